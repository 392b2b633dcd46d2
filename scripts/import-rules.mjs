// `npm run check:imports`: enforces who may import whom, and the few rules that keep core pure.
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { mayImport, mayReadEnvironment, reasonAgainst, roomOf, typesOnlyImport } from "./rooms.mjs";
import { codeOf, importsOf, lineAt, topLevelVariables } from "./source-text.mjs";

/** Node.js modules that compute and touch nothing outside of the process. */
const pureModules = new Set(["assert", "buffer", "crypto", "events", "path", "url", "util"]);
const impureCalls = [
  [
    /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/g,
    "core has no clock of its own: time is the store's",
  ],
  [/(?:(?<![.\w])|\bglobalThis\.)set(?:Timeout|Interval|Immediate)\s*\(/g, "core sets no timers"],
  [/\bprocess\.(?!env\b)\w+/g, "core knows nothing of the process that it runs in"],
];
const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
const vague = /(?:^|-)(?:utils?|helpers?|common|manager)(?:-|$)/;
const code = /\.[cm]?[jt]sx?$/;
const skipped = new Set(["node_modules", "dist", "fixtures", "coverage"]);

function filesUnder(directory) {
  let entries = [];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // not every room has tests
  }
  return entries.flatMap((entry) => {
    if (skipped.has(entry.name) || entry.name.startsWith(".")) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

function dependenciesOf(place, manifest, rootManifest) {
  const groups = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies];
  if (place.isTest) groups.push(manifest.devDependencies, rootManifest.devDependencies);
  return new Set([manifest.name, ...groups.flatMap((group) => Object.keys(group ?? {}))]);
}

function importProblem(place, { specifier, typesOnly }, declared) {
  if (specifier.startsWith(".")) {
    const target = posix.normalize(posix.join(posix.dirname(place.file), specifier));
    const home = `${place.kind}/${place.name}/`;
    return target.startsWith(home) ? undefined : `imports ${specifier}, which lies outside of ${home}`;
  }
  const bare = specifier.replace(/^node:/, "");
  if (specifier.startsWith("node:") || builtinModules.includes(bare)) {
    if (place.name !== "core" || place.isTest || pureModules.has(bare)) return undefined;
    return `imports ${specifier}, but core does no I/O (it may use ${[...pureModules].join(", ")})`;
  }
  const room = roomOf(specifier);
  if (room && !mayImport(place, room)) return `imports ${specifier}, but ${reasonAgainst(place, room)}`;
  if (room && typesOnlyImport(place, room) && !typesOnly) {
    return `imports ${specifier} as code; write \`import type\`, as the client takes only its types`;
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (declared.has(name)) return undefined;
  return `imports ${specifier}, which ${place.kind}/${place.name}/package.json does not declare${place.isTest ? "" : " as a dependency"}`;
}

function* sourceProblems(place, text) {
  const inSources = !place.isTest;
  if (inSources && !mayReadEnvironment(place)) {
    for (const { index } of text.matchAll(/\bprocess\.env\b/g)) {
      yield [index, "reads process.env, which only packages/jobbers and apps may do"];
    }
  }
  if (inSources && place.kind === "packages") {
    for (const index of topLevelVariables(text)) {
      yield [
        index,
        "declares a variable at the top level of a module; a singleton belongs in a factory's closure",
      ];
    }
  }
  if (inSources && place.name === "core") {
    for (const [pattern, reason] of impureCalls) {
      for (const match of text.matchAll(pattern))
        yield [match.index, `uses ${match[0].trim()}, but ${reason}`];
    }
  }
}

function nameProblem(file) {
  const wrong = file.split("/").find((part) => !kebabCase.test(part));
  if (wrong) return `is not named in kebab-case ("${wrong}")`;
  const word = file.split("/").find((part) => part.split(".").some((stem) => vague.test(stem)));
  return word && `has a name that says nothing ("${word}"); name it after the noun that it holds`;
}

/** Every breach below `root`, each as one sentence that names the file and the line. */
export function importProblems(root) {
  const problems = [];
  const rootManifest = readJson(join(root, "package.json"));
  const tell = (file, line, problem) => problems.push(`${file}:${line} ${problem}.`);
  const here = (path) => relative(root, path).split(sep).join("/");

  for (const path of filesUnder(join(root, "scripts"))) {
    const problem = nameProblem(here(path));
    if (problem) tell(here(path), 1, problem);
  }
  for (const kind of ["packages", "apps"]) {
    for (const manifestPath of readdirSync(join(root, kind)).map((name) =>
      join(root, kind, name, "package.json"),
    )) {
      let manifest;
      try {
        manifest = readJson(manifestPath);
      } catch {
        continue; // a directory that is no workspace
      }
      const home = dirname(manifestPath);
      for (const path of [...filesUnder(join(home, "src")), ...filesUnder(join(home, "test"))]) {
        const file = here(path);
        const misnamed = nameProblem(file);
        if (misnamed) tell(file, 1, misnamed);
        if (!code.test(file)) continue;
        const isTest = /^[^/]+\/[^/]+\/test\/|\.test(?:-d)?\.[cm]?tsx?$/.test(file);
        const place = { kind, name: file.split("/")[1], file, isTest };
        const source = readFileSync(path, "utf8");
        const text = codeOf(source);
        const declared = dependenciesOf(place, manifest, rootManifest);
        for (const found of importsOf(source, text)) {
          const problem = importProblem(place, found, declared);
          if (problem) tell(file, lineAt(source, found.index), problem);
        }
        for (const [index, problem] of sourceProblems(place, text))
          tell(file, lineAt(source, index), problem);
      }
    }
  }
  return problems;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = importProblems(fileURLToPath(new URL("..", import.meta.url)));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
