import type { Figure } from "../scenario.js";

/** What the scenario is called at every store, and what it does. */
export const batches = {
  name: "batches of 100",
  what:
    "tasks whose handler waits for a round trip of 1 ms, as batch tasks of 100 against the same one by one: in turns, one of each and then the other " +
    "way round; single-task runs submitted before, one worker, concurrency 10 on both sides, from its start to the store's answer to the last report",
};

/** How many calls of a handler run at a time, on both sides. */
export const BATCH_CONCURRENCY = 10;

/** Measures both in turns, so that neither has the warmer machine. */
export async function compareBatches(sides: {
  readonly single: () => Promise<number>;
  readonly batched: () => Promise<number>;
}): Promise<Figure[]> {
  const first = await sides.single();
  const batched = ((await sides.batched()) + (await sides.batched())) / 2;
  const single = (first + (await sides.single())) / 2;
  return [
    { name: "one by one", value: single, unit: "steps/s" },
    { name: "batched", value: batched, unit: "steps/s" },
    { name: "against one by one", value: batched / single, unit: "ratio", target: { atLeast: 1.5 } },
  ];
}
