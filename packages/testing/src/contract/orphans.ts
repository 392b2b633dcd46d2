import { type EventRecord, isQueueEvent, ORPHANED_AFTER_MS, WATCH_QUEUES_MS } from "@jobbers/core";
import { expect } from "vitest";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** What the feed has told of queues so far. */
async function told({ store }: Bench) {
  const events: EventRecord[] = [];
  for (let after = 0; ; ) {
    const page = await store.readEvents(after, 100);
    events.push(...page.events);
    if (page.cursor === after) break;
    after = page.cursor;
  }
  return events.filter(isQueueEvent).map(({ type, queue, detail }) => [type, queue, detail] as const);
}

/** Time goes on, with looks that are as far apart as can be. */
async function watch({ store, clock }: Bench, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= WATCH_QUEUES_MS) {
    clock.advance(Math.min(left, WATCH_QUEUES_MS));
    await store.watchQueues();
  }
}

/** The open sessions; behind a bad line a driver may have opened two. */
async function sessions({ store }: Bench): Promise<string[]> {
  return (await store.listWorkers()).map(({ session }) => session);
}

const orphaned = (queue: string, ready: number, forMs = ORPHANED_AFTER_MS) =>
  ["queue.orphaned", queue, { ready, workers: 0, forMs }] as const;

export function orphans(test: BenchTest): void {
  test("a queue with ready steps that nobody serves is told of after a minute, once, and once more when it is served", async (bench) => {
    const { store, submit, driver } = bench;
    const lost = single({ queue: "lost, 1/ü" });
    for (let n = 0; n < 3; n++) await submit(lost, n);
    await submit(single({ queue: "served" }));
    await driver([], { queues: ["served"], serves: [] });
    await store.watchQueues();
    await watch(bench, ORPHANED_AFTER_MS - WATCH_QUEUES_MS);
    expect(await told(bench)).toEqual([]);
    await watch(bench, WATCH_QUEUES_MS);
    expect(await told(bench)).toEqual([orphaned("lost, 1/ü", 3)]);
    await submit(lost, 4);
    await watch(bench, 3 * ORPHANED_AFTER_MS);
    expect(await told(bench)).toEqual([orphaned("lost, 1/ü", 3)]);
    const others = (await sessions(bench)).length;
    await driver(lost);
    await watch(bench, WATCH_QUEUES_MS);
    const forMs = 4 * ORPHANED_AFTER_MS + WATCH_QUEUES_MS;
    expect((await told(bench)).slice(1)).toEqual([
      ["queue.served", "lost, 1/ü", { ready: 4, workers: (await sessions(bench)).length - others, forMs }],
    ]);
    for (const session of await sessions(bench)) await store.closeSession(session);
    await watch(bench, ORPHANED_AFTER_MS + WATCH_QUEUES_MS);
    expect((await told(bench)).slice(2)).toEqual([orphaned("lost, 1/ü", 4), orphaned("served", 1)]);
  });

  test("what was only short is not told, and an emptied queue is over without a worker", async (bench) => {
    const { store, submit, driver } = bench;
    await submit(single());
    await store.watchQueues();
    await watch(bench, ORPHANED_AFTER_MS - WATCH_QUEUES_MS);
    await driver(single());
    await watch(bench, WATCH_QUEUES_MS);
    for (const session of await sessions(bench)) await store.serve(session, { queues: ["other"] });
    await watch(bench, ORPHANED_AFTER_MS);
    expect(await told(bench)).toEqual([]);
    await watch(bench, WATCH_QUEUES_MS);
    expect(await told(bench)).toEqual([orphaned("default", 1)]);
    await store.obliterateQueue("default", { limit: 500 });
    await watch(bench, WATCH_QUEUES_MS);
    const forMs = ORPHANED_AFTER_MS + WATCH_QUEUES_MS;
    expect((await told(bench)).slice(1)).toEqual([
      ["queue.served", "default", { ready: 0, workers: 0, forMs }],
    ]);
  });

  test("looks of many processes are one, and a time in which nobody looked does not count", async (bench) => {
    const { store, clock, submit } = bench;
    await submit(single());
    await store.watchQueues();
    // Too early for a look, whoever asks: what begins now is seen with the next.
    await submit(single({ queue: "late" }));
    await Promise.all([store.watchQueues(), store.watchQueues()]);
    clock.advance(WATCH_QUEUES_MS);
    await Promise.all([store.watchQueues(), store.watchQueues(), store.watchQueues()]);
    clock.advance(ORPHANED_AFTER_MS - WATCH_QUEUES_MS);
    await Promise.all([store.watchQueues(), store.watchQueues(), store.watchQueues()]);
    expect(await told(bench)).toEqual([orphaned("default", 1)]);
    clock.advance(ORPHANED_AFTER_MS + 1);
    await store.watchQueues();
    await watch(bench, ORPHANED_AFTER_MS - WATCH_QUEUES_MS);
    expect(await told(bench)).toHaveLength(1);
    await watch(bench, WATCH_QUEUES_MS);
    expect((await told(bench)).slice(1)).toEqual([orphaned("late", 1)]);
  });
}
