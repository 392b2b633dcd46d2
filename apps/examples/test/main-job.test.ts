import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const program = fileURLToPath(new URL("../dist/dependency-audit/main.js", import.meta.url));
const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const reports = ["duplicates.json", "licences.json", "report.html", "sbom.cdx.json", "sizes.json"];
const packages = {
  "node_modules/held": { version: "1.0.0", license: "MIT" },
  "node_modules/other": { version: "2.0.0", license: "MIT" },
};
const manifest = (name: string, version: string) => JSON.stringify({ name, version, license: "MIT" });

function start(args: readonly string[], cwd: string) {
  const env = { ...process.env, INIT_CWD: cwd };
  const child = spawn(process.execPath, [program, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

const run = (args: readonly string[], cwd: string) => start([...args, "--port", "0", "--exit"], cwd).ended;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "jobbers-main-job-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
  return folder;
}

/** A project with these manifests; a package without one is listed in the lockfile all the same. */
async function makeProject(manifests: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  const root = { name: "fixture", version: "1.2.3" };
  const lockfile = { ...root, lockfileVersion: 3, packages: { "": root, ...packages } };
  const files = { "package.json": JSON.stringify(root), "package-lock.json": JSON.stringify(lockfile) };
  for (const [path, text] of Object.entries({ ...files, ...manifests })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** A project whose package "held" keeps who reads it waiting, for its manifest is a pipe. */
async function heldProject() {
  const project = await makeProject({
    "node_modules/other/package.json": manifest("other", "2.0.0"),
  });
  const pipe = join(project, "node_modules/held/package.json");
  await mkdir(join(project, "node_modules/held"), { recursive: true });
  execFileSync("mkfifo", [pipe]);
  const letGo = async () => {
    await rm(pipe);
    await writeFile(pipe, manifest("held", "1.0.0"));
  };
  // Opening a pipe to write waits until somebody has opened it to read.
  return { project, reading: () => open(pipe, "w"), letGo };
}

describe("npm start", () => {
  it("audits a project and says where the reports are; the same id shows the same result", async () => {
    const project = await makeProject({
      "node_modules/held/package.json": manifest("held", "1.0.0"),
      "node_modules/other/package.json": manifest("other", "2.0.0"),
    });
    const cwd = await temporaryFolder();
    const ended = await run(["--dir", project, "--id", ID], cwd);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^2 packages, \d+ problems?, 0 packages in several versions\nReports:\n/);
    expect(ended.stdout).toContain(join(cwd, ".jobbers/reports/report.html"));
    expect(ended.stderr).toMatch(
      /submitted to http:\/\/127\.0\.0\.1:\d+ \(pid \d+\), is kept at sqlite:\.\/\.jobbers\/jobbers\.db/,
    );
    expect(ended.stderr).toMatch(/describe\[\] +2\/2/);
    expect((await readdir(join(cwd, ".jobbers/reports"))).sort()).toEqual(reports);
    const again = await run(["--dir", project, "--id", ID], cwd);
    expect(again).toMatchObject({ code: 0, stdout: ended.stdout });
    const elsewhere = await run(["--dir", cwd, "--id", ID], cwd);
    expect(elsewhere).toMatchObject({ code: 2, stdout: "" });
    expect(elsewhere.stderr).toContain(
      `run ${ID} audits another project or writes elsewhere; give the same --dir`,
    );
  });

  it("killed half way and started again with the same id, finishes that run", async () => {
    const { project, reading, letGo } = await heldProject();
    const cwd = await temporaryFolder();
    const args = ["--dir", project, "--out", "reports", "--id", ID, "--port", "0"];
    const first = start(args, cwd);
    const pipe = await reading();
    first.child.kill("SIGKILL");
    expect(await first.ended).toMatchObject({ code: null, stdout: "" });
    await pipe.close();
    await letGo();
    const second = await run(args.slice(0, -2), cwd);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2 packages/) });
    expect((await readdir(join(cwd, "reports"))).sort()).toEqual(reports);
  });

  it("drains on Ctrl+C and says how to go on", async () => {
    const { project, reading, letGo } = await heldProject();
    const cwd = await temporaryFolder();
    const { child, ended } = start(["--dir", project, "--id", ID, "--port", "0"], cwd);
    const pipe = await reading();
    const told = new Promise<void>((resolve) => {
      child.stderr.on("data", (text: string) => /SIGINT: finishing what runs/.test(text) && resolve());
    });
    child.kill("SIGINT");
    await told;
    await pipe.writeFile(manifest("held", "1.0.0"));
    await pipe.close();
    const { code, stderr } = await ended;
    expect(code).toBe(4);
    expect(stderr).toContain(`Go on with: npm start -- --id ${ID} --dir ${project}`);
    await letGo();
    expect(await run(["--dir", project, "--id", ID], cwd)).toMatchObject({ code: 0 });
  });

  it("stays up when the audit is done, as a server that answers, until Ctrl+C", async () => {
    const project = await makeProject({
      "node_modules/held/package.json": manifest("held", "1.0.0"),
      "node_modules/other/package.json": manifest("other", "2.0.0"),
    });
    const cwd = await temporaryFolder();
    const { child, ended } = start(["--dir", project, "--id", ID, "--port", "0"], cwd);
    let said = "";
    const url = await new Promise<string>((resolve) => {
      child.stderr.on("data", (text: string) => {
        said += text;
        const found = /stays up at (http:\S+) until Ctrl-C/.exec(said)?.[1];
        if (found) resolve(found);
      });
    });
    const answer = await fetch(`${url}/v1/runs/${ID}`);
    expect(await answer.json()).toMatchObject({ id: ID, name: "dependency-audit", state: "succeeded" });
    const again = await fetch(`${url}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ dag: "dependency-audit", input: { dir: project, out: join(cwd, "more") } }),
    });
    expect(again.status).toBe(201);
    const { id } = (await again.json()) as { id: string };
    expect(await (await fetch(`${url}/v1/runs/${id}/result?wait=30s`)).json()).toMatchObject({
      state: "succeeded",
    });
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2 packages/) });
  });

  it("takes the next port where the usual one is taken, and says so; one that was asked for is refused", async () => {
    const project = await makeProject({
      "node_modules/held/package.json": manifest("held", "1.0.0"),
      "node_modules/other/package.json": manifest("other", "2.0.0"),
    });
    const taken = createServer();
    await new Promise((resolve) => {
      // Somebody else has it already: as good.
      taken.once("error", resolve).listen(8700, "127.0.0.1", () => resolve(undefined));
    });
    onTestFinished(() => void taken.close());
    const cwd = await temporaryFolder();
    const ended = await start(["--dir", project, "--exit"], cwd).ended;
    expect(ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Port 8700 is taken; 87\d\d is used/),
    });
    const refused = await start(["--dir", project, "--port", "8700"], cwd).ended;
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/port 8700 at 127.0.0.1 is taken; 87\d\d is free/),
    });
  });

  it("ends with 1 and a clear message when the project has no lockfile", async () => {
    const cwd = await temporaryFolder();
    const ended = await run(["--dir", "."], cwd);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/failed in step "list-packages" after 1 try: AuditError: .*\(run-failed\)/);
  });

  it.each([
    [["--dri", "x"], /there is no flag --dri; there are --dir, --out/],
    [["--dir", "nowhere"], /--dir names .*nowhere, which does not exist/],
    [["--id", ID.toLowerCase()], new RegExp(`write ${ID}`)],
    [["--store", "postgres://localhost"], /there are no "postgres:" stores/],
  ])("%j is refused", async (args, message) => {
    const ended = await run(args, await temporaryFolder());
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });
});
