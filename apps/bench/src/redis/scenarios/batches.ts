import type { Scenario } from "../../scenario.js";
import { batches as about, BATCH_CONCURRENCY, compareBatches } from "../../scenarios/batches.js";
import { roundTrip, roundTripBatch } from "../../scenarios/workflows.js";
import { type Bed, drainRate } from "../bed.js";
import { type Numbered, submitRuns } from "../ours.js";

/** What batches save a task that waits for somebody else. */
export const batches: Scenario<Bed> = {
  ...about,
  measure(bed, scale) {
    const steps = Math.ceil(20_000 * scale);
    const rate = (workflow: Numbered) => async () => {
      await bed.admin.flushall();
      await submitRuns(bed.url, workflow, steps);
      return await drainRate(bed, "jobbers", { concurrency: BATCH_CONCURRENCY, steps });
    };
    return compareBatches({ single: rate(roundTrip), batched: rate(roundTripBatch) });
  },
};
