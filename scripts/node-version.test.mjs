import { expect, test } from "vitest";
import { nodeVersionProblem } from "./node-version.mjs";

test.each(["18.20.4", "20.18.3"])("Node.js %s is refused in one sentence", (version) => {
  expect(nodeVersionProblem(version)).toMatch(
    new RegExp(`needs Node\\.js 20\\.19 or newer, and this is ${version}`),
  );
});

test.each(["20.19.0", "20.20.2", "22.0.0", "24.1.0"])("Node.js %s is new enough", (version) => {
  expect(nodeVersionProblem(version)).toBeUndefined();
});
