import { join } from "node:path";
import { connect } from "jobbers";
import { type Scenario, timeMs } from "../scenario.js";
import { BATCH_CONCURRENCY, batches, compareBatches } from "./batches.js";
import { type Numbered, submitAll } from "./throughput.js";
import { roundTrip, roundTripBatch } from "./workflows.js";

/** What batches save a task that waits for somebody else. */
export const batchedSteps: Scenario = {
  ...batches,
  measure(folder, scale) {
    let turn = 0;
    const rate = (workflow: Numbered) => () =>
      countedRate(join(folder, `${++turn}`), workflow, Math.ceil(20_000 * scale));
    return compareBatches({ single: rate(roundTrip), batched: rate(roundTripBatch) });
  },
};

/** Steps per second until the last report is answered: with batches, far more steps are under way than there are slots. */
async function countedRate(folder: string, workflow: Numbered, runs: number): Promise<number> {
  await using jobbers = await connect(`sqlite:${join(folder, "bench.db")}`);
  await submitAll(jobbers, workflow, runs);
  let allDone = () => {};
  const done = new Promise<void>((resolve) => (allDone = resolve));
  let count = 0;
  const worker = jobbers.worker({
    workflows: [workflow],
    concurrency: BATCH_CONCURRENCY,
    observe(event) {
      if (event.type !== "reported" || event.report !== "succeeded" || event.verdict !== "accepted") return;
      count += 1;
      if (count === runs) allDone();
    },
  });
  const ms = await timeMs(async () => {
    await worker.start();
    await done;
  });
  await worker.stop();
  return (runs / ms) * 1000;
}
