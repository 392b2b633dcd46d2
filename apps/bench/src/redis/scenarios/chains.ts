import type { Scenario } from "../../scenario.js";
import { chain } from "../../scenarios/workflows.js";
import { type Bed, race, throughRate } from "../bed.js";
import { submitRuns } from "../ours.js";
import { addChains } from "../theirs.js";

/** Chains of five, each step through its queue. */
export const hoppedChains = chainsWith("chains of 5, queue hop each", false, 10);

/** Chains of five, each step handed straight on. */
export const inlinedChains = chainsWith("chains of 5, inlined", true, 12);

function chainsWith(name: string, inline: boolean, atLeast: number): Scenario<Bed> {
  return {
    name,
    what:
      "dag runs of five steps in a row against trees of FlowProducer.addBulk, 500 a call, one worker process at " +
      "concurrency 100 that idles, from the first call to the last step's end, after 2,000 chains that are not counted; ours hands each " +
      "result to the next step, BullMQ's jobs do not read their child's",
    measure(bed, scale) {
      const chains = Math.ceil(20_000 * scale);
      const before = Math.ceil(2_000 * scale);
      const order = { concurrency: 100, steps: chains * 5, warming: before * 5 };
      return race(
        bed,
        "steps/s",
        {
          ours: () =>
            throughRate(
              bed,
              "jobbers",
              { ...order, inline },
              () => submitRuns(bed.url, chain, chains),
              () => submitRuns(bed.url, chain, before),
            ),
          theirs: () =>
            throughRate(
              bed,
              "bullmq",
              order,
              () => addChains(bed.url, chains),
              () => addChains(bed.url, before),
            ),
        },
        atLeast,
      );
    },
  };
}
