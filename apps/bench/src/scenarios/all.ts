import type { Scenario } from "../scenario.js";
import { batchedSteps } from "./batched-steps.js";
import { hungHandler, isolatedCalls } from "./isolation.js";
import { submitToStart } from "./latency.js";
import { bulkSubmit, chains, declaredPolicy, diamonds, noopSteps } from "./throughput.js";
import { wideMap } from "./wide-map.js";

/** Every scenario, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  bulkSubmit,
  noopSteps,
  declaredPolicy,
  batchedSteps,
  chains,
  diamonds,
  submitToStart,
  wideMap,
  isolatedCalls,
  hungHandler,
];
