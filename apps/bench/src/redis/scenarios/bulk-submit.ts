import { connect } from "jobbers";
import { type Scenario, timeMs } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { type Bed, race } from "../bed.js";
import { submitRunsTo } from "../ours.js";
import { addJobsTo, openQueue } from "../theirs.js";

/** Each side's first runs, before the clock starts. */
const WARMING = 2_000;

/** Submits single-task runs, with nobody working. */
export const bulkSubmit: Scenario<Bed> = {
  name: "bulk submit",
  what:
    "200,000 single-task runs in calls of 500, one call at a time, no worker, after 2,000 that are not counted: submitMany against " +
    "addBulk",
  measure(bed, scale) {
    // Fewer take us a fraction of a second, most of which is the compiler's.
    const runs = Math.ceil(200_000 * scale);
    const perSecond = (ms: number) => (runs / ms) * 1000;
    return race(
      bed,
      "runs/s",
      {
        async ours() {
          await using jobbers = await connect(bed.url);
          await submitRunsTo(jobbers, noop, WARMING);
          return perSecond(await timeMs(() => submitRunsTo(jobbers, noop, runs)));
        },
        async theirs() {
          const queue = await openQueue(bed.url);
          await addJobsTo(queue, WARMING);
          const ms = await timeMs(() => addJobsTo(queue, runs));
          await queue.close();
          return perSecond(ms);
        },
      },
      4,
    );
  },
};
