import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { importProblems } from "./import-rules.mjs";

const manifests = {
  "package.json": { devDependencies: { vitest: "4", "@jobbers/testing": "1" } },
  "packages/core/package.json": { name: "@jobbers/core", dependencies: { ulid: "3" } },
  "packages/worker/package.json": {
    name: "@jobbers/worker",
    dependencies: { "@jobbers/core": "1", "@jobbers/upkeep": "1", "@jobbers/store-sqlite": "1" },
  },
  "packages/client/package.json": {
    name: "@jobbers/client",
    dependencies: { "@jobbers/api": "1", "@jobbers/core": "1" },
  },
  "packages/testing/package.json": { name: "@jobbers/testing", dependencies: { "@jobbers/worker": "1" } },
  "packages/jobbers/package.json": { name: "jobbers", dependencies: { "@jobbers/worker": "1" } },
  "apps/bench/package.json": { name: "@jobbers/bench", dependencies: { jobbers: "1" } },
};
const trees = [];

/** The problems of a small repository that holds these files. */
function problemsOf(files) {
  const root = mkdtempSync(join(tmpdir(), "jobbers-rules-"));
  trees.push(root);
  const written = Object.entries(manifests).map(([path, manifest]) => [path, JSON.stringify(manifest)]);
  for (const [path, text] of [...written, ...Object.entries(files)]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return importProblems(root);
}

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

const core = "packages/core/src/plan.ts";
const worker = "packages/worker/src/slots.ts";
const breaches = [
  ["core does I/O", core, 'import { readFile } from "node:fs/promises";', "core does no I/O"],
  ["core does I/O by a bare name", core, 'import fs from "fs";', "core does no I/O"],
  ["core loads I/O later", core, 'await import("node:net");', "core does no I/O"],
  ["core imports a room", core, 'export { Worker } from "@jobbers/worker";', "core is pure"],
  ["core reads the clock", core, "const nowMs = Date.now();", "no clock of its own"],
  ["core makes a date of now", core, "const now = new Date();", "no clock of its own"],
  ["core sets a timer", core, "setTimeout(() => {}, 5);", "core sets no timers"],
  ["core asks the process", core, "const id = process.pid;", "core knows nothing of the process"],
  [
    "the worker imports the upkeep",
    worker,
    'import { Reaper } from "@jobbers/upkeep";',
    "may import core, not upkeep",
  ],
  [
    "the worker imports a store",
    worker,
    'import "@jobbers/store-sqlite";',
    "may import core, not store-sqlite",
  ],
  [
    "the worker's sources use the test kit",
    worker,
    'import "@jobbers/testing";',
    "may import core, not testing",
  ],
  [
    "the test kit imports the worker",
    "packages/testing/src/clock.ts",
    'import "@jobbers/worker";',
    "may import core",
  ],
  ["the client runs core", "packages/client/src/call.ts", 'import "@jobbers/core";', "`import type`"],
  [
    "the client reads stores",
    "packages/client/src/call.ts",
    'import type { Run } from "@jobbers/runs";',
    "nothing but the types",
  ],
  [
    "the client runs the api",
    "packages/client/src/call.ts",
    'import { app } from "@jobbers/api";',
    "`import type`",
  ],
  ["a package reads the environment", worker, "const debug = process.env.DEBUG;", "reads process.env"],
  ["a module keeps state", worker, "export let count = 0;", "at the top level"],
  [
    "a relative import leaves its package",
    worker,
    'import "../../core/src/plan.js";',
    "outside of packages/worker/",
  ],
  ["a dependency is undeclared", worker, 'import { z } from "zod";', "does not declare as a dependency"],
  ["a name is in camel case", "packages/core/src/planIndex.ts", "", "kebab-case"],
  ["a name is vague", "packages/core/src/string-utils.ts", "", "says nothing"],
  ["a directory's name is vague", "apps/bench/src/common/peers.ts", "", "says nothing"],
  ["a script's name is vague", "scripts/helpers.mjs", "", "says nothing"],
];

describe("import rules", () => {
  test.each(breaches)("are broken when %s", (_title, file, source, sentence) => {
    const problems = problemsOf({ [file]: `// one line before\n${source}\n` });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(sentence);
    expect(problems[0]).toContain(source === "" ? `${file}:1` : `${file}:2`);
  });

  test.each([
    ["hashing and declared packages in core", core, 'import "node:crypto";\nimport { ulid } from "ulid";'],
    [
      "comments and strings",
      core,
      '// Date.now()\n/* let x */ const s = "process.env"; const t = `setTimeout( ${1}`;',
    ],
    [
      "regular expressions with quotes",
      core,
      "const quote = /[\"'`]/; const half = 4 / 2;\nfunction f() { let x = 1; return x; }",
    ],
    ["a date of a given time", core, "export const at = (ms: number) => new Date(ms);"],
    ["a clock that is handed in", core, "export const wait = (clock: Clock) => clock.setTimeout(5);"],
    ["core in the worker", worker, 'import type { Store } from "@jobbers/core";\nimport "./fetcher.js";'],
    [
      "a store in the worker's tests",
      "packages/worker/test/slots.test.ts",
      'import "@jobbers/store-sqlite";\nimport "vitest";',
    ],
    [
      "core's own name in its tests",
      "packages/core/test/plan.test.ts",
      'import "@jobbers/core";\nimport "@jobbers/testing";',
    ],
    [
      "the api's types in the client",
      "packages/client/src/call.ts",
      'import type { App } from "@jobbers/api";',
    ],
    [
      "everything in the front door",
      "packages/jobbers/src/connect.ts",
      'import "@jobbers/worker";\nprocess.env.JOBBERS_STORE;',
    ],
    [
      "the environment and state in apps",
      "apps/bench/src/main.ts",
      'import "jobbers";\nlet n = Number(process.env.N);',
    ],
  ])("allow %s", (_title, file, source) => {
    expect(problemsOf({ [file]: source })).toEqual([]);
  });
});
