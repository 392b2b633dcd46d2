import type { Scenario } from "../../scenario.js";
import { diamond } from "../../scenarios/workflows.js";
import { type Bed, throughRate } from "../bed.js";
import { submitRuns } from "../ours.js";

/** Joins, which BullMQ cannot express: its jobs have one parent. */
export const diamonds: Scenario<Bed> = {
  name: "diamonds of 4",
  what:
    "dag runs of four steps with a join, one worker process at concurrency 100 that idles, from the first call to the last " +
    "step's end; BullMQ has nothing like it",
  async measure(bed, scale) {
    const runs = Math.ceil(5_000 * scale);
    const value = await throughRate(bed, "jobbers", { concurrency: 100, steps: runs * 4 }, () =>
      submitRuns(bed.url, diamond, runs),
    );
    return [{ name: "Jobbers", value, unit: "steps/s" }];
  },
};
