import { setTimeout as pause } from "node:timers/promises";
import { connect } from "jobbers";
import type { Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { type Bed, drainRate } from "../bed.js";
import { submitRunsTo } from "../ours.js";
import { addJobsTo, openQueue } from "../theirs.js";

/** With room for a small record's usual fields; its JSON has at most 64 bytes. */
const input = (n: number) => ({ n, url: `https://example.org/pages/${n}.html` });

/** What a run costs in Redis while it waits, and when it has ended. */
export const memory: Scenario<Bed> = {
  name: "memory per run",
  what:
    "growth of used_memory without clients' buffers over 20,000 single-task runs of one field of 60 bytes, waiting and then " +
    "finished with their results, the feed's events apart",
  async measure(bed, scale) {
    const runs = Math.ceil(20_000 * scale);
    const ours = await growth(bed, runs, {
      async add(count) {
        await using jobbers = await connect(bed.url);
        await submitRunsTo(jobbers, noop, count, input);
      },
      work: (steps) => drainRate(bed, "jobbers", { concurrency: 100, steps }),
    });
    await bed.admin.flushall();
    const theirs = await growth(bed, runs, {
      async add(count) {
        const queue = await openQueue(bed.url);
        await addJobsTo(queue, count, input);
        await queue.close();
      },
      work: (steps) => drainRate(bed, "bullmq", { concurrency: 100, steps }),
    });
    return [
      { name: "Jobbers, waiting", value: ours.waiting, unit: "bytes", target: { atMost: 350 } },
      { name: "Jobbers, finished", value: ours.finished, unit: "bytes", target: { atMost: 450 } },
      { name: "Jobbers, its events in the feed", value: ours.feed, unit: "bytes" },
      { name: "BullMQ, waiting", value: theirs.waiting, unit: "bytes" },
      { name: "BullMQ, finished", value: theirs.finished, unit: "bytes" },
    ];
  },
};

interface Side {
  add(count: number): Promise<unknown>;
  work(count: number): Promise<unknown>;
}

async function growth({ admin }: Bed, runs: number, { add, work }: Side) {
  // What there is once, whatever the number of runs, is there before.
  await add(100);
  await work(100);
  const empty = await used(admin);
  await add(runs);
  const waiting = await used(admin);
  await work(runs);
  const finished = await used(admin);
  return {
    waiting: (waiting.data - empty.data) / runs,
    finished: (finished.data - empty.data) / runs,
    feed: (finished.streams - empty.streams) / runs,
  };
}

/** Bytes in use: of the data, and of the streams, which are bounded however many runs there are. */
async function used(admin: Bed["admin"]) {
  // Connections that were closed, and tables that grow, need a moment.
  await pause(300);
  const text = await admin.info("memory");
  const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)?.[1]);
  let streams = 0;
  for await (const keys of admin.scanStream({ type: "stream", count: 1_000 })) {
    for (const key of keys as string[]) streams += (await admin.memory("USAGE", key, "SAMPLES", 0)) ?? 0;
  }
  return { data: of("used_memory") - of("mem_clients_normal") - streams, streams };
}
