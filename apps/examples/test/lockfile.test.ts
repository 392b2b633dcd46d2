import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AuditError } from "../src/dependency-audit/audit-error.js";
import { isInstallPath } from "../src/dependency-audit/lockfile.js";
import { listPackages } from "../src/dependency-audit/package-list.js";
import { makeProject, motleyProject, temporaryFolder, writeFiles } from "./fixture-project.js";

describe("what cannot be audited is refused with what to do", () => {
  const refused = async (dir: string, words: RegExp) => {
    const error = await listPackages(dir).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AuditError);
    expect((error as Error).message).toMatch(words);
  };

  test("a missing folder, and a file in its place", async () => {
    const folder = await temporaryFolder();
    await refused(join(folder, "nowhere"), /there is no folder .*nowhere/);
    await writeFiles(folder, { file: "" });
    await refused(join(folder, "file"), /is a file: name the folder/);
  });

  test("no lockfile", async () => {
    const folder = await temporaryFolder();
    await refused(folder, /not an npm project/);
    await writeFiles(folder, { "package.json": {} });
    await refused(folder, /no package-lock.json: run `npm install`/);
    await writeFiles(folder, { "pnpm-lock.yaml": "" });
    await refused(folder, /pnpm-lock.yaml but no package-lock.json/);
  });

  test("a broken lockfile", async () => {
    const folder = await makeProject({});
    await writeFiles(folder, { "package-lock.json": '{ "lockfileVersion": 3, ' });
    await refused(folder, /package-lock.json is not JSON .*restore it from version control/);
    await writeFiles(folder, { "package-lock.json": "[]" });
    await refused(folder, /package-lock.json is not a lockfile/);
    await writeFiles(folder, {
      "package-lock.json": { lockfileVersion: 3, packages: { "node_modules/a": { version: 1 } } },
    });
    await refused(folder, /malformed entry "node_modules\/a" \(version/);
  });

  test("a lockfile of npm 6", async () => {
    const folder = await makeProject({});
    await writeFiles(folder, { "package-lock.json": { lockfileVersion: 1, dependencies: {} } });
    await refused(folder, /lockfileVersion 1.*npm install --package-lock-only/);
  });

  test("no node_modules, unless nothing is listed", async () => {
    const folder = await makeProject({ "node_modules/a": { version: "1.0.0" } });
    await rm(join(folder, "node_modules"), { recursive: true });
    await refused(folder, /no node_modules folder.*npm ci/);
    const empty = await makeProject({});
    await rm(join(empty, "node_modules"), { recursive: true });
    expect((await listPackages(empty)).packages).toEqual([]);
  });
});

test("packages are what lies in a node_modules folder and is no link", async () => {
  expect(["node_modules/a", "node_modules/@s/a", "packages/x/node_modules/a"].every(isInstallPath)).toBe(
    true,
  );
  expect(["", "packages/x", "node_modules/@s/a/lib", "../x", "my_node_modules/a"].some(isInstallPath)).toBe(
    false,
  );

  const { project, workspaces, packages } = await listPackages(await motleyProject());
  expect(packages).toHaveLength(12);
  expect(packages.map(({ path }) => path)).toEqual(packages.map(({ path }) => path).toSorted());
  expect(project).toMatchObject({ name: "motley", version: "1.0.0", links: 1, lockfileVersion: 3 });
  expect(workspaces).toMatchObject([{ path: "packages/tool", name: "@motley/tool", version: "0.1.0" }]);
});

test("names are resolved upwards through node_modules, and through links", async () => {
  const { project, workspaces, packages } = await listPackages(await motleyProject());
  const needs = (path: string) => packages.find((one) => one.path === path)?.needs.map((need) => need.path);
  expect(needs("node_modules/@scope/nested")).toEqual([
    "node_modules/@scope/nested/node_modules/agreeing",
    "node_modules/deep",
  ]);
  expect(needs("node_modules/deep")).toEqual(["node_modules/agreeing"]);
  expect(needs("node_modules/@scope/nested/node_modules/agreeing")).toEqual(["node_modules/native"]);
  expect(workspaces[0]?.needs).toEqual([{ path: "node_modules/agreeing", range: "^1.0.0" }]);
  expect(project.needs.map(({ path }) => path)).toContain("node_modules/bare");

  const linked = await makeProject({
    "node_modules/tool": { resolved: "packages/tool", link: true },
    "packages/tool": { version: "1.0.0" },
    "packages/tool/node_modules/a": { version: "1.0.0", peerDependencies: { tool: "*", elsewhere: "*" } },
  });
  const [only] = (await listPackages(linked)).packages;
  expect(only).toMatchObject({ needs: [{ path: "packages/tool", range: "*" }], unresolved: [] });
});

test("an alias has the name of the package behind it", async () => {
  const folder = await makeProject({ "node_modules/old": { name: "@new/thing", version: "2.0.0" } });
  expect((await listPackages(folder)).packages).toMatchObject([
    { path: "node_modules/old", name: "@new/thing" },
  ]);
});

test("names from Object.prototype are names like others", async () => {
  const asked = { dependencies: { constructor: "1", toString: "1" } };
  const folder = await makeProject({
    "node_modules/constructor": { version: "1.0.0" },
    "node_modules/a": { version: "1.0.0", ...asked },
  });
  const { packages } = await listPackages(folder);
  expect(packages[0]).toMatchObject({
    needs: [{ path: "node_modules/constructor", range: "1" }],
    unresolved: ["toString@1"],
  });
});
