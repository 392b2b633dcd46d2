import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNode } from "./command.mjs";
import { pathOf } from "./root.mjs";

/** Adds up vitest's JSON report. A file that never came to its tests counts as one failure. */
export function countTests(report) {
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Runs all tests with their output on the terminal, and counts them. */
export async function runTests() {
  const directory = mkdtempSync(join(tmpdir(), "jobbers-tests-"));
  const file = join(directory, "report.json");
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const { ok } = await runNode(
    pathOf("node_modules/vitest/vitest.mjs"),
    ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
    { live: true },
  );
  try {
    Object.assign(counts, countTests(JSON.parse(readFileSync(file, "utf8"))));
  } catch {
    // No report: vitest itself broke, which the line below counts.
  }
  rmSync(directory, { recursive: true });
  // An unhandled error outside any test fails the run though no test failed.
  if (!ok && counts.failed === 0) counts.failed = 1;
  return { ok, counts };
}
