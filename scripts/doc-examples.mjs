// Type-checks every TypeScript block of README.md and docs/: an example that does not compile is worse than none.
// The blocks of one page make one module, so that a later block may use what an earlier one defined. A block that begins with a
// comment like `// main.ts` begins that file, which may import from those before it, as in the reader's own folder.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { runNode } from "./command.mjs";
import { pathOf } from "./root.mjs";

const folder = pathOf("node_modules/.doc-examples");
const fence = /^```ts\n([\s\S]*?)^```$/gm;

const named = /^\/\/ ([\w-]+\.ts)\n/;

/** The files that the blocks of a page make; each line stands where it stands in the page, so that errors name its line. */
export function modulesOf(page) {
  const empty = page.split("\n").map(() => "");
  const modules = new Map();
  let file = "index.ts";
  for (const match of page.matchAll(fence)) {
    file = named.exec(match[1])?.[1] ?? file;
    const lines = modules.get(file) ?? [...empty];
    const first = page.slice(0, match.index).split("\n").length;
    match[1]
      .trimEnd()
      .split("\n")
      .forEach((line, i) => {
        lines[first + i] = line;
      });
    modules.set(file, lines);
  }
  return new Map([...modules].map(([name, lines]) => [name, [...lines, "export {};", ""].join("\n")]));
}

async function pages() {
  const found = await readdir(pathOf("docs"), { recursive: true });
  return ["README.md", ...found.filter((path) => path.endsWith(".md")).map((path) => `docs/${path}`)];
}

async function main() {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const path of await pages()) {
    const home = `${folder}/${path.replaceAll("/", "--")}`;
    for (const [name, text] of modulesOf(await readFile(pathOf(path), "utf8"))) {
      await mkdir(home, { recursive: true });
      await writeFile(`${home}/${name}`, text);
    }
  }
  // Examples may leave a variable unused; everything else is as strict as the code is.
  const settings = {
    extends: pathOf("tsconfig.test.json"),
    compilerOptions: { noUnusedLocals: false, rootDir: pathOf("."), types: ["node"] },
    include: [`${folder}/*/*.ts`],
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
