import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type AnyTask, type OutputOf, testContext } from "jobbers";
import { expect, test } from "vitest";
import { dependencyAudit, tasks } from "../src/dependency-audit/dag.js";
import * as steps from "../src/dependency-audit/tasks.js";
import { motleyProject, temporaryFolder } from "./fixture-project.js";
import { writePlainAudit } from "./plain-audit.js";

test("the dag is the audit's graph: a small graph for each package, four reports side by side, one page", () => {
  const { steps: planned } = dependencyAudit.plan;
  const named = new Map(planned.map((step) => [step.name, step]));
  expect([...named.keys()]).toEqual([
    "list-packages",
    "describe[]",
    "read-manifest",
    "detect-licence",
    "measure-size",
    "describe",
    "sbom",
    "licences",
    "duplicates",
    "sizes",
    "report",
  ]);
  expect([...dependencyAudit.tasks.keys()].toSorted()).toEqual(tasks.map(({ name }) => name).toSorted());
});

/** Runs a task as a worker does: its input and output have been JSON, and its schema has parsed the input. */
async function run<T extends AnyTask>(one: T, input: unknown): Promise<OutputOf<T>> {
  const parsed = await one.input?.["~standard"].validate(JSON.parse(JSON.stringify(input)));
  if (parsed === undefined || parsed.issues)
    throw new Error(`${one.name}: ${JSON.stringify(parsed?.issues)}`);
  return JSON.parse(JSON.stringify(await one.run(parsed.value, testContext())));
}

async function runTasks(dir: string, out: string) {
  const { project, workspaces, packages: listed } = await run(steps.listPackagesTask, { dir });
  const packages = await Promise.all(
    listed.map(async (entry) => {
      const manifest = await run(steps.readManifestTask, { dir, path: entry.path });
      const licence = await run(steps.detectLicenceTask, { dir, entry, manifest });
      const size = await run(steps.measureSizeTask, { dir, path: entry.path, manifest });
      return run(steps.describePackageTask, { entry, manifest, licence, size });
    }),
  );
  const sbom = await run(steps.writeSbomTask, { out, project, workspaces, packages });
  const { file: licenceFile, summary } = await run(steps.writeLicencesTask, { out, packages });
  const { file: duplicateFile, duplicates } = await run(steps.writeDuplicatesTask, {
    out,
    project,
    workspaces,
    packages,
  });
  const { file: sizeFile, sizes } = await run(steps.writeSizesTask, { out, packages });
  const files = [sbom.file, licenceFile, duplicateFile, sizeFile];
  return run(steps.writePageTask, {
    out,
    project,
    workspaces,
    packages,
    licences: summary,
    duplicates,
    sizes,
    files,
  });
}

test("the tasks write what the functions give, and a second run replaces it with the same", async () => {
  const dir = await motleyProject();
  const [plain, out] = [await temporaryFolder(), join(await temporaryFolder(), "reports")];
  const names = await writePlainAudit(dir, plain);
  for (const _ of ["first", "second"]) {
    expect(await runTasks(dir, out)).toEqual({ files: names, packages: 12, problems: 7 });
    expect((await readdir(out)).toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      expect(await readFile(join(out, name), "utf8")).toBe(await readFile(join(plain, name), "utf8"));
    }
  }
});

test("a project that cannot be audited fails the first step, and says why", async () => {
  const dir = await temporaryFolder();
  await expect(run(steps.listPackagesTask, { dir })).rejects.toThrow(/not an npm project/);
});
