// `npm test` and `npm run verify`: everything that must hold, from a clone with nothing but Node.js and npm.
import { build } from "./build.mjs";
import { runNode } from "./command.mjs";
import { install, isInstalled } from "./install.mjs";
import { nodeVersionProblem } from "./node-version.mjs";
import { ensureRedisServer } from "./redis-server.mjs";
import { pathOf } from "./root.mjs";
import { stage } from "./stage.mjs";
import { runTests } from "./test-report.mjs";

const total = { passed: 0, failed: 0, skipped: 0 };
const tool = (path, ...args) => runNode(pathOf(path), args);
const colors = process.stdout.isTTY ? "--colors=force" : "--colors=off";

/** One stage, one count. A failing stage does not stop the next: one run tells all that is wrong. */
async function check(title, work) {
  total[(await stage(title, work)) ? "passed" : "failed"] += 1;
}

async function verify() {
  const problem = nodeVersionProblem();
  if (problem) console.error(problem);
  const ready = !problem && (isInstalled() || (await stage("Installing dependencies (npm ci)", install)));
  if (!ready) {
    total.failed += 1;
    return;
  }
  await check("Looking for redis-server", ensureRedisServer);
  await check("Building the packages (tsc -b)", build);
  await check("Checking style (biome ci)", () =>
    tool("node_modules/@biomejs/biome/bin/biome", "ci", "--max-diagnostics=none", colors),
  );
  await check("Checking the types of tests and apps (tsc)", () =>
    tool("node_modules/typescript/bin/tsc", "-p", "tsconfig.test.json"),
  );
  await check("Checking the types of the examples in README and docs (tsc)", () =>
    tool("scripts/doc-examples.mjs"),
  );
  await check("Checking the import rules", () => tool("scripts/import-rules.mjs"));
  await stage(
    "Running the tests (vitest)",
    async () => {
      const { ok, counts } = await runTests();
      for (const outcome of Object.keys(total)) total[outcome] += counts[outcome];
      return { ok };
    },
    { live: true },
  );
}

await verify();
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;
