import type { ModelOptions } from "./index.js";

/** Making a failing story small may take minutes: then the failure is to show itself with its seed, and not the time that the test has. */
const SHRINKING_MS = 100_000;

/** How random stories are told: how many, and which, where one that failed is to be told again. */
export function storySettings({ runs = 100, seed, path }: Pick<ModelOptions, "runs" | "seed" | "path">) {
  return {
    numRuns: runs,
    interruptAfterTimeLimit: SHRINKING_MS,
    markInterruptAsFailure: true,
    ...(seed !== undefined && { seed }),
    ...(path !== undefined && { path }),
  };
}
