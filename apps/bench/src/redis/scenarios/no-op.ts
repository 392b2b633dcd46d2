import type { Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { type Bed, drainRate, race } from "../bed.js";
import { submitRuns } from "../ours.js";
import { addJobs } from "../theirs.js";

/** Works through single tasks that were submitted before, many at a time. */
export const noopMany = noopAt(100, 100_000, 10_000, 4.5);

/** The same, one at a time: each step costs a round trip. */
export const noopOne = noopAt(1, 5_000, 1_000, 1.8);

function noopAt(concurrency: number, most: number, before: number, atLeast: number): Scenario<Bed> {
  return {
    name: `no-op tasks, concurrency ${concurrency}`,
    what:
      `single tasks submitted before, one worker process, concurrency ${concurrency}, as many lanes as the store wants, ` +
      `from the end of the first ${before.toLocaleString("en")}, which are not counted, to the store's answer to the last report`,
    measure(bed, scale) {
      const steps = Math.ceil(most * scale);
      const warming = Math.ceil(before * scale);
      const order = { concurrency, steps, warming };
      return race(
        bed,
        "steps/s",
        {
          async ours() {
            await submitRuns(bed.url, noop, warming + steps);
            return await drainRate(bed, "jobbers", order);
          },
          async theirs() {
            await addJobs(bed.url, warming + steps);
            return await drainRate(bed, "bullmq", order);
          },
        },
        atLeast,
      );
    },
  };
}
