import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** Files by their path; what is not text is written as JSON. */
export type Files = Readonly<Record<string, unknown>>;

/** A folder of its own for one test, gone when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dependency-audit-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
  return folder;
}

/** Writes files into a folder. */
export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  }
}

/** Makes a project from the `packages` of its lockfile and the files in it. */
export async function makeProject(
  packages: Readonly<Record<string, object>>,
  files: Files = {},
): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "node_modules"));
  const root = { name: "fixture", version: "1.2.3" };
  await writeFiles(folder, {
    "package.json": root,
    "package-lock.json": { ...root, lockfileVersion: 3, packages: { "": root, ...packages } },
    ...files,
  });
  return folder;
}

/** A licence's text as the SPDX list has it, with the copyright line filled in. */
export async function licenceText(id: string): Promise<string> {
  const file = createRequire(import.meta.url).resolve(`spdx-license-list/licenses/${id}.json`);
  const { licenseText } = JSON.parse(await readFile(file, "utf8")) as { licenseText: string };
  return licenseText
    .replace("<year> <copyright holders>", "2024 Ann Example")
    .replace("<year> <owner>", "2024 Ann");
}

/** A project that has one of everything that the audit knows. */
export async function motleyProject(): Promise<string> {
  const mit = await licenceText("MIT");
  const sha512 = (text: string): string => `sha512-${Buffer.from(text.padEnd(64, ".")).toString("base64")}`;
  const at = (name: string, version: string, more: object = {}): object => ({
    version,
    resolved: `https://registry.npmjs.org/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`,
    integrity: sha512(name + version),
    license: "MIT",
    ...more,
  });
  const root = {
    name: "motley",
    version: "1.0.0",
    workspaces: ["packages/*"],
    dependencies: { agreeing: "^1.0.0", "@scope/nested": "^2.0.0", disagreeing: "1" },
    devDependencies: { broken: "1", bare: "1", vague: "1", "<b>markup": "1" },
  };
  const packages = {
    "": root,
    "node_modules/@motley/tool": { resolved: "packages/tool", link: true },
    "packages/tool": {
      name: "@motley/tool",
      version: "0.1.0",
      license: "MIT",
      dependencies: { agreeing: "^1.0.0" },
    },
    "node_modules/agreeing": at("agreeing", "1.5.0"),
    "node_modules/@scope/nested": at("@scope/nested", "2.0.1", {
      dependencies: { agreeing: "^2.0.0", deep: "*" },
    }),
    "node_modules/@scope/nested/node_modules/agreeing": at("agreeing", "2.10.0", {
      optionalDependencies: { native: "1" },
    }),
    "node_modules/deep": at("deep", "0.0.1", {
      inBundle: true,
      dependencies: { agreeing: "*", absent: "^9" },
    }),
    "node_modules/disagreeing": at("disagreeing", "1.0.0"),
    "node_modules/broken": at("broken", "1.0.0", { dev: true }),
    "node_modules/bare": at("bare", "1.0.0", { dev: true, license: undefined }),
    "node_modules/vague": at("vague", "1.0.0", { dev: true, license: "BSD" }),
    "node_modules/native": at("native", "1.0.0", { optional: true, os: ["darwin"], cpu: ["arm64"] }),
    "node_modules/gone": at("gone", "1.0.0"),
    "node_modules/stale": at("stale", "1.1.0"),
    "node_modules/<b>markup": at("markup", "1.0.0", { license: "<script>alert(1)</script>" }),
  };
  const folder = await temporaryFolder();
  const own = (name: string, version: string, license: unknown = "MIT"): object => ({
    name,
    version,
    license,
  });
  await writeFiles(folder, {
    "package.json": root,
    "package-lock.json": { name: "motley", version: "1.0.0", lockfileVersion: 3, requires: true, packages },
    "packages/tool/package.json": own("@motley/tool", "0.1.0"),
    "node_modules/agreeing/package.json": own("agreeing", "1.5.0"),
    "node_modules/agreeing/LICENSE": mit,
    "node_modules/agreeing/lib/index.js": "x".repeat(1000),
    "node_modules/@scope/nested/package.json": own("@scope/nested", "2.0.1"),
    "node_modules/@scope/nested/index.js": "x".repeat(100),
    "node_modules/@scope/nested/test/node_modules/fixture/index.js": "x".repeat(10),
    "node_modules/@scope/nested/node_modules/agreeing/package.json": own("agreeing", "2.10.0"),
    "node_modules/@scope/nested/node_modules/agreeing/index.js": "x".repeat(5000),
    "node_modules/deep/package.json": own("deep", "0.0.1", { type: "MIT", url: "https://example.org" }),
    "node_modules/disagreeing/package.json": own("disagreeing", "1.0.0"),
    "node_modules/disagreeing/LICENSE.txt": await licenceText("Apache-2.0"),
    "node_modules/broken/package.json": "{ broken",
    "node_modules/broken/LICENSE": mit,
    "node_modules/bare/package.json": { name: "bare", version: "1.0.0" },
    "node_modules/vague/package.json": own("vague", "1.0.0", "BSD"),
    "node_modules/vague/license": await licenceText("BSD-3-Clause"),
    "node_modules/stale/package.json": own("stale", "1.0.9"),
    "node_modules/<b>markup/package.json": own("markup", "1.0.0", "<script>alert(1)</script>"),
  });
  return folder;
}
