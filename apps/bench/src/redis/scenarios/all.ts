import type { Scenario } from "../../scenario.js";
import type { Bed } from "../bed.js";
import { batches } from "./batches.js";
import { bulkSubmit } from "./bulk-submit.js";
import { hoppedChains, inlinedChains } from "./chains.js";
import { diamonds } from "./diamonds.js";
import { floorShare } from "./floor-share.js";
import { idleWorker } from "./idle.js";
import { limitScenarios } from "./limits.js";
import { stepOverhead } from "./long-chain.js";
import { memory } from "./memory.js";
import { noopMany, noopOne } from "./no-op.js";
import { pagedJoinOf } from "./paged-join.js";
import { policyCost } from "./policy-cost.js";
import { submitToStart } from "./start-latency.js";
import { wideMap } from "./wide-map.js";

/** Every scenario on Redis, in the order in which they run. */
export const scenarios: readonly Scenario<Bed>[] = [
  bulkSubmit,
  noopMany,
  noopOne,
  policyCost,
  batches,
  hoppedChains,
  inlinedChains,
  stepOverhead,
  diamonds,
  wideMap,
  pagedJoinOf,
  submitToStart,
  memory,
  idleWorker,
  floorShare,
  ...limitScenarios,
];
