import { connect } from "jobbers";
import { type Scenario, timeMs } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { type Bed, race } from "../bed.js";
import { submitRunsTo } from "../ours.js";
import { addJobsTo, openQueue } from "../theirs.js";

/** Submits single-task runs, with nobody working. */
export const bulkSubmit: Scenario<Bed> = {
  name: "bulk submit",
  what: "single-task runs in calls of 500, one call at a time, no worker: submitMany against addBulk",
  measure(bed, scale) {
    const runs = Math.ceil(50_000 * scale);
    const perSecond = (ms: number) => (runs / ms) * 1000;
    return race(
      bed,
      "runs/s",
      {
        async ours() {
          await using jobbers = await connect(bed.url);
          return perSecond(await timeMs(() => submitRunsTo(jobbers, noop, runs)));
        },
        async theirs() {
          const queue = await openQueue(bed.url);
          const ms = await timeMs(() => addJobsTo(queue, runs));
          await queue.close();
          return perSecond(ms);
        },
      },
      4,
    );
  },
};
