import type { Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { type Bed, drainRate, race } from "../bed.js";
import { submitRuns } from "../ours.js";
import { addJobs } from "../theirs.js";

/** Works through single tasks that were submitted before, many at a time. */
export const noopMany = noopAt(100, 100_000, 4.5);

/** The same, one at a time: each step costs a round trip. */
export const noopOne = noopAt(1, 5_000, 1.8);

function noopAt(concurrency: number, most: number, atLeast: number): Scenario<Bed> {
  return {
    name: `no-op tasks, concurrency ${concurrency}`,
    what:
      `single tasks submitted before, one worker process, concurrency ${concurrency}, as many lanes as the store wants, ` +
      "from the worker's start to the store's answer to the last report",
    measure(bed, scale) {
      const steps = Math.ceil(most * scale);
      return race(
        bed,
        "steps/s",
        {
          async ours() {
            await submitRuns(bed.url, noop, steps);
            return await drainRate(bed, "jobbers", { concurrency, steps });
          },
          async theirs() {
            await addJobs(bed.url, steps);
            return await drainRate(bed, "bullmq", { concurrency, steps });
          },
        },
        atLeast,
      );
    },
  };
}
