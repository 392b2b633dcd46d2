import { expect, test } from "vitest";
import { countTests } from "./test-report.mjs";

test("a file that could not be loaded counts as one failure", () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [
      { status: "passed", assertionResults: [{ status: "passed" }] },
      { status: "failed", assertionResults: [{ status: "failed" }] },
      { status: "failed", assertionResults: [] },
    ],
  };
  expect(countTests(report)).toEqual({ passed: 3, failed: 2, skipped: 2 });
});
