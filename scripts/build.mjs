import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { runNode } from "./command.mjs";
import { pathOf } from "./root.mjs";

const stampFile = "node_modules/.cache/jobbers/build-stamp";

/** The workspaces that `tsc -b` builds, as the root tsconfig.json lists them. */
function workspaces() {
  const { references } = JSON.parse(readFileSync(pathOf("tsconfig.json"), "utf8"));
  return references.map(({ path }) => path);
}

function* filesUnder(directory) {
  for (const entry of readdirSync(pathOf(directory), { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

/** A digest of the size and time of everything a build reads: reading no contents, it takes milliseconds. */
function sourceStamp() {
  const digest = createHash("sha256");
  const configurations = ["package-lock.json", "tsconfig.json", "tsconfig.base.json"];
  const inputs = workspaces().flatMap((workspace) => [
    `${workspace}/package.json`,
    `${workspace}/tsconfig.json`,
    ...filesUnder(`${workspace}/src`),
  ]);
  for (const path of [...configurations, ...inputs]) {
    const { size, mtimeMs } = statSync(pathOf(path));
    digest.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return digest.digest("hex");
}

/** Whether dist is there and nothing has changed since the last build that succeeded. */
export function isBuilt() {
  return (
    existsSync(pathOf(stampFile)) &&
    workspaces().every((workspace) => existsSync(pathOf(`${workspace}/dist/.tsbuildinfo`))) &&
    readFileSync(pathOf(stampFile), "utf8") === sourceStamp()
  );
}

/** Builds every workspace; `tsc -b` itself skips those whose inputs have not changed. */
export async function build() {
  // Taken before the build, so that a file edited meanwhile is built the next time.
  const stamp = sourceStamp();
  const result = await runNode(pathOf("node_modules/typescript/bin/tsc"), ["-b", "tsconfig.json"]);
  if (result.ok) {
    mkdirSync(dirname(pathOf(stampFile)), { recursive: true });
    writeFileSync(pathOf(stampFile), stamp);
  }
  return result;
}
