import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "jobbers";
import { expect, it } from "vitest";
import { start } from "./child-process.js";
import { makeProject, temporaryFolder } from "./fixture-project.js";
import { startRedis } from "./redis-server.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const main = join(root, "apps/examples/dist/dependency-audit/main.js");
const jobbersCommand = join(root, "node_modules/.bin/jobbers");
const dag = join(root, "apps/examples/src/dependency-audit/dag.ts");
const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

function projectOf(packages: number): Promise<string> {
  const names = Array.from({ length: packages }, (_, i) => `p${i}`);
  const manifests = names.map((name) => ({ name, version: "1.0.0", license: "MIT" }));
  return makeProject(
    Object.fromEntries(names.map((name) => [`node_modules/${name}`, { version: "1.0.0", license: "MIT" }])),
    Object.fromEntries(manifests.map((each) => [`node_modules/${each.name}/package.json`, each])),
  );
}

// What docs/guides/running-workers.md tells one to try.
it("an audit on Redis outlives a worker that is killed in the middle of it", async () => {
  const cwd = await temporaryFolder();
  const project = await projectOf(150);
  const store = await startRedis();
  const worker = (name: string) =>
    start([jobbersCommand, "worker", dag, "--store", store, "--name", name], cwd);
  const [stays, dies] = [worker("extra-1"), worker("extra-2")];
  await Promise.all([stays, dies].map(({ until }) => until(/serves dependency-audit/)));
  await using jobbers = await connect(store);
  const held = async () =>
    (await jobbers.store.listWorkers()).find((each) => each.worker === "extra-2")?.held ?? 0;

  const audit = start(
    [main, "--dir", project, "--store", store, "--id", ID, "--out", "reports", "--port", "0", "--exit"],
    cwd,
  );
  // Frozen first, so that what it holds is what it dies with.
  for (let holds = 0; holds === 0; ) {
    dies.child.kill("SIGCONT");
    while ((await held()) === 0) expect(audit.child.exitCode, audit.said()).toBeNull();
    dies.child.kill("SIGSTOP");
    holds = await held();
  }
  dies.child.kill("SIGKILL");

  expect(await audit.ended, audit.said()).toBe(0);
  expect(audit.said()).toMatch(/150 packages, \d+ problems?/);
  expect(await readdir(join(cwd, "reports"))).toHaveLength(5);
  const lost: string[] = [];
  for await (const step of jobbers.run(ID).steps()) {
    expect(step.state, step.address).toBe("succeeded");
    if (step.lost > 0) lost.push(step.address);
  }
  expect(lost).not.toEqual([]);
  stays.child.kill("SIGTERM");
  expect(await stays.ended).toBe(0);
  expect(stays.said()).toMatch(/worker extra-1 has left; nothing was lost/);
}, 60_000);
