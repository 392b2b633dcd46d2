import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Store, type TaskLog, task } from "@jobbers/core";
import { createFeed, type FeedEvent } from "@jobbers/runs";
import { createFakeClock } from "@jobbers/testing";
import { hostIdentity } from "@jobbers/worker";
import { expect, it, onTestFinished } from "vitest";
import { createJobbers } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";

const noop = task({ name: "noop", run: async () => null });

/** A log that remembers its lines of one level and up. */
function listeningLog() {
  const lines: [message: string, fields: unknown][] = [];
  const note = (message: string, fields?: unknown) => void lines.push([message, fields]);
  const log: TaskLog = { debug: () => {}, info: note, warn: note, error: note };
  return { lines, log };
}

/** A pid that is nobody's any more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid as number;
}

/** A worker that took a step of "noop" and was never heard of again. */
async function takeAndVanish(store: Store, about: { host: string; pid: number; leaseMs: number }) {
  const { id: session } = await store.openSession({
    ...{ worker: "crawler-1", serves: ["noop"], queues: ["default"], registers: [] },
    ...about,
  });
  const wants = { slots: 1, control: 0, queues: ["default"], inline: false };
  const { grants } = await store.exchange({ session, lane: 0, seq: 1, reports: [], wants });
  expect(grants).toHaveLength(1);
}

onBothStores((open) => {
  const connected = async (clock?: () => number) => {
    const store = await open(clock);
    const jobbers = createJobbers({ store, feed: createFeed(store) });
    onTestFinished(() => jobbers.close());
    return { store, jobbers };
  };

  it("says what a start found and recovered, in one line and one event", async () => {
    const clock = createFakeClock();
    const { store, jobbers } = await connected(clock.now);
    const lost = await jobbers.submit(noop, {});
    await takeAndVanish(store, { host: hostIdentity(), pid: await deadPid(), leaseMs: 60_000 });
    await jobbers.submit(noop, {}, { delay: "1m" });
    await jobbers.submit(noop, {}, { delay: "2m" });
    clock.advance(120_000);
    const leaving = new AbortController();
    const told = jobbers
      .events({ types: ["worker.started"], signal: leaving.signal })
      [Symbol.asyncIterator]();
    const first = told.next();
    const { lines, log } = listeningLog();
    const worker = jobbers.worker({ workflows: [noop], name: "crawler-1", log });
    await worker.start();
    // As nobody says when a reader has begun, workers start until it has been told of one.
    let event: FeedEvent | undefined;
    void first.then(({ value }) => (event = value as FeedEvent));
    for (let n = 0; n < 1_000 && !event; n++) {
      const other = jobbers.worker({ workflows: [noop], name: "other", log: listeningLog().log });
      await other.start();
      await other.stop();
    }
    const found = (await store.readEvents(0, 1_000)).events.find(({ type }) => type === "worker.started");
    const start = { session: expect.any(String), lostSessions: 1, returned: 1, quarantined: 0, overdue: 2 };
    expect(found).toMatchObject({ worker: "crawler-1", detail: { ...start, waiting: expect.any(Number) } });
    const [line, ...others] = lines.filter(([message]) => message === "worker crawler-1 has started");
    const { quarantined, ...something } = start;
    expect(line?.[1]).toMatchObject(something);
    expect(line?.[1]).not.toHaveProperty("quarantined");
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: "worker.started" });
    expect(await lost.result()).toBe(null);
    leaving.abort();
    await told.next().catch(() => undefined);
  });

  it("takes over from its past on another machine after one missed renewal, long before two sweeps", async () => {
    const { store, jobbers } = await connected();
    const run = await jobbers.submit(noop, {});
    await takeAndVanish(store, { host: "gone-container", pid: 1, leaseMs: 1_000 });
    const { lines, log } = listeningLog();
    const worker = jobbers.worker({ workflows: [noop], name: "crawler-1", sweepMs: 60_000, log });
    await worker.start();
    expect(await run.result()).toBe(null);
    expect(await store.getStep(run.id, "noop")).toMatchObject({ lost: 1, worker: "crawler-1" });
    expect(lines).toContainEqual([
      "took the steps of lost workers back",
      { lostSessions: 1, returned: 1, quarantined: 0 },
    ]);
  });
});
