import { setTimeout as pause } from "node:timers/promises";
import { connect } from "jobbers";
import { type Figure, percentile, type Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import type { Bed } from "../bed.js";
import { nowMs } from "../protocol.js";
import { openQueue } from "../theirs.js";
import { type Program, startProcess } from "../worker-process.js";

/** From the call of submit to the handler's first line, on a worker that has nothing else to do. */
export const submitToStart: Scenario<Bed> = {
  name: "submit to start",
  what: "one single-task run every 10 ms on an idle worker process, from the call to the handler's first line",
  async measure(bed, scale) {
    const samples = Math.ceil(300 * scale);
    const jobbers = await connect(bed.url);
    const ours = await latencies(bed, "jobbers", samples, (n) => jobbers.submit(noop, { n }));
    await jobbers.close();
    await bed.admin.flushall();
    const queue = await openQueue(bed.url);
    const theirs = await latencies(bed, "bullmq", samples, (n) => queue.add("noop", { n }));
    await queue.close();
    return [...figures("Jobbers", ours, [2, 10]), ...figures("BullMQ", theirs)];
  },
};

async function latencies(
  { url }: Bed,
  program: Program,
  samples: number,
  submit: (n: number) => Promise<unknown>,
): Promise<number[]> {
  await using worker = await startProcess(program, { url, concurrency: 10, starts: true });
  let started: (atMs: number) => void = () => {};
  worker.hear((told) => told.type === "started" && started(told.atMs));
  await worker.go();
  const measured: number[] = [];
  for (let n = 0; n < samples; n++) {
    // The step before is reported by then, and the worker waits again.
    await pause(10);
    const start = new Promise<number>((resolve) => {
      started = resolve;
    });
    const fromMs = nowMs();
    await submit(n);
    measured.push((await start) - fromMs);
  }
  return measured;
}

function figures(who: string, samples: number[], atMost?: readonly [p50: number, p99: number]): Figure[] {
  return [50, 99].map((p, i) => ({
    name: `${who} p${p}`,
    value: percentile(samples, p),
    unit: "ms",
    ...(atMost && { target: { atMost: atMost[i] as number } }),
  }));
}
