// Type-checks every TypeScript block of README.md and docs/: an example that does not compile is worse than none.
// The blocks of one page make one module, so that a later block may use what an earlier one defined.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { runNode } from "./command.mjs";
import { pathOf } from "./root.mjs";

const folder = pathOf("node_modules/.doc-examples");
const fence = /^```ts\n([\s\S]*?)^```$/gm;

/** One module of all blocks of a page; each line stands where it stands in the page, so that errors name its line. */
export function moduleOf(page) {
  const lines = page.split("\n").map(() => "");
  for (const match of page.matchAll(fence)) {
    const first = page.slice(0, match.index).split("\n").length;
    match[1]
      .trimEnd()
      .split("\n")
      .forEach((line, i) => {
        lines[first + i] = line;
      });
  }
  return lines.some((line) => line !== "") ? [...lines, "export {};", ""].join("\n") : undefined;
}

async function pages() {
  const found = await readdir(pathOf("docs"), { recursive: true });
  return ["README.md", ...found.filter((path) => path.endsWith(".md")).map((path) => `docs/${path}`)];
}

async function main() {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const path of await pages()) {
    const text = moduleOf(await readFile(pathOf(path), "utf8"));
    if (text) await writeFile(`${folder}/${path.replaceAll("/", "--")}.ts`, text);
  }
  // Examples may leave a variable unused; everything else is as strict as the code is.
  const settings = {
    extends: pathOf("tsconfig.test.json"),
    compilerOptions: { noUnusedLocals: false, rootDir: pathOf("."), types: ["node"] },
    include: [`${folder}/*.ts`],
  };
  await writeFile(`${folder}/tsconfig.json`, JSON.stringify(settings));
  await writeFile(`${folder}/package.json`, JSON.stringify({ type: "module" }));
  return runNode(pathOf("node_modules/typescript/bin/tsc"), ["-p", `${folder}/tsconfig.json`]);
}

if (process.argv[1]?.endsWith("doc-examples.mjs")) {
  const { ok, output } = await main();
  if (output) process.stdout.write(output);
  process.exitCode = ok ? 0 : 1;
}
