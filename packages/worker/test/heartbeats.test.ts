import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  livenessOf,
  type Progress,
  type Renewal,
  type StepRecord,
  type Store,
  task,
  type Vitals,
} from "@jobbers/core";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  around,
  ended,
  gate,
  openStore,
  recorder,
  result,
  silent,
  startWorker,
  submit,
  submitMany,
} from "./bench.js";

async function fileStore(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "jobbers-beats-"));
  const store = await openStore(`sqlite:${join(directory, "jobs.db")}`);
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 20 }));
  return store;
}

/** A task that beats until a gate opens. */
function beating(everyMs: number, progress: () => Progress | undefined) {
  const over = gate();
  let beats = 0;
  let isOver = false;
  over.promise.then(() => {
    isOver = true;
  });
  const work = task({
    name: "work",
    heartbeat: "10s",
    async run(_, ctx) {
      while (!isOver) {
        ctx.heartbeat(progress());
        beats++;
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      return "done";
    },
  });
  return { work, over, beats: () => beats };
}

/** Looks until a step is as is wanted, at most some seconds. */
async function seenStep(store: Store, run: string, is: (step: StepRecord) => boolean): Promise<StepRecord> {
  for (let look = 0; look < 1_000; look++) {
    const step = await store.getStep(run, "work");
    if (step && is(step)) return step;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the step never was so");
}

/** A store that keeps what was told with renewals on the main loop, and lets a test wait for so many of them. */
function renewing(
  store: Store,
  around_: (call: () => Promise<unknown>) => Promise<unknown> = (call) => call(),
) {
  const told: Vitals[] = [];
  let waiting: { readonly count: number; readonly open: () => void }[] = [];
  const counted = around(store, async (verb, call, args) => {
    if (verb !== "renew") return call();
    if (args[1]) told.push(args[1] as Vitals);
    const answer = await around_(call);
    for (const each of waiting) if (told.length >= each.count) each.open();
    waiting = waiting.filter(({ count }) => told.length < count);
    return answer;
  });
  const until = (count: number) => {
    const reached = gate();
    if (told.length >= count) reached.open();
    else waiting.push({ count, open: reached.open });
    return reached.promise;
  };
  return { store: counted, told, until };
}

describe("heartbeats", () => {
  it("of a thousand steps, ten a second each, cost one call a tick", async () => {
    const bare = await openStore();
    const { store, told, until } = renewing(bare);
    const { work, over, beats } = beating(100, () => ({ at: "counting", detail: "x".repeat(150) }));
    const { observe, seen } = recorder();
    const runs = await submitMany(store, work, 1_000);
    const leaseMs = 1_800;
    await startWorker({ store, workflows: [work], concurrency: 1_000, leaseMs, observe });
    await seen({ type: "started" }, 1_000);
    const [before, startMs] = [told.length, performance.now()];
    await until(before + 8);
    const ticks = (performance.now() - startMs) / (leaseMs / 3);
    expect(told.length - before).toBeLessThanOrEqual(Math.ceil(2 * ticks));
    expect(beats()).toBeGreaterThan(10_000);
    for (const { bulletin } of told) {
      expect(bulletin?.beats.length).toBeLessThanOrEqual(500);
      expect(Buffer.byteLength(JSON.stringify(bulletin?.beats))).toBeLessThan(128 * 1024);
    }
    // What had no room in one bulletin went with the next, so that everybody's came.
    for (const run of runs) expect((await store.getStep(run, "work"))?.progress?.at).toBe("counting");
    over.open();
    await seen({ type: "reported" }, 1_000);
  });

  it("come from a thread of its own to a file, and say since when", async () => {
    const store = await fileStore();
    let at = "reading";
    const { work, over } = beating(10, () => ({ at, done: 340, total: 1_000 }));
    await startWorker({ store, workflows: [work], leaseMs: 600 });
    const run = await submit(store, work);
    const first = await seenStep(store, run, ({ progress }) => progress?.at === "reading");
    expect(first.progress).toMatchObject({ done: 340, total: 1_000 });
    const later = (first.progress?.heardAtMs ?? 0) + 1;
    const again = await seenStep(store, run, ({ progress }) => (progress?.heardAtMs ?? 0) > later);
    expect(again.progress?.sinceMs).toBe(first.progress?.sinceMs);
    at = "writing";
    const other = await seenStep(store, run, ({ progress }) => progress?.at === "writing");
    expect(other.progress?.sinceMs).toBeGreaterThan(again.progress?.sinceMs as number);
    over.open();
    expect(await ended(store, run)).toBe("succeeded");
    expect(await store.getStep(run, "work")).not.toHaveProperty("progress");
  });

  it("are told once, though replies are lost", async () => {
    const bare = await openStore();
    let lost = 0;
    const { store, told, until } = renewing(bare, async (call) => {
      const answer = await call();
      if (lost < 3 && told.at(-1)?.bulletin?.durations.length === 1) {
        lost++;
        throw new Error("the reply got lost");
      }
      return answer;
    });
    const quick = task({ name: "quick", run: () => "done" });
    await startWorker({ store, workflows: [quick], leaseMs: 300 });
    const run = await submit(store, quick);
    expect(await result(store, run, quick)).toBe("done");
    while (lost < 3) await until(told.length + 1);
    await until(told.length + 2);
    const numbers = told.flatMap(({ bulletin }) => (bulletin?.durations.length === 1 ? bulletin.seq : []));
    expect(numbers).toHaveLength(4);
    expect(new Set(numbers).size).toBe(1);
    expect((await store.readDurations(["quick"])).quick?.count).toBe(1);
  });

  it("are told to the next session when theirs was lost", async () => {
    const bare = await openStore("memory:", { expireMemorySessions: true });
    const { store } = renewing(bare);
    const { work, over } = beating(5, () => ({ at: "here" }));
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [work], leaseMs: 300, observe });
    const run = await submit(store, work);
    await seenStep(store, run, ({ progress }) => progress?.at === "here");
    const [worker] = await store.listWorkers();
    await store.reapSessions({ sweepMs: 10_000, limit: 10, gone: [worker?.session as string] });
    await seen({ type: "session", what: "lost" });
    const taken = await seenStep(store, run, ({ progress, fence }) => fence === 2 && progress?.at === "here");
    expect(taken.session).not.toBe(worker?.session);
    over.open();
    expect(await ended(store, run)).toBe("succeeded");
  });

  it("tell a handler whose step another has taken", async () => {
    const bare = await openStore();
    // Who holds how many is compared as well; here that is to find nothing.
    const { store } = renewing(bare, async (call) => ({ ...((await call()) as Renewal), held: 1 }));
    const aborted = gate<unknown>();
    const held = task({
      name: "work",
      run: (_, ctx) =>
        new Promise<null>((resolve) => {
          const beat = setInterval(() => ctx.heartbeat({ at: "here" }), 5);
          ctx.signal.addEventListener("abort", () => {
            clearInterval(beat);
            aborted.open(ctx.signal.reason);
            resolve(null);
          });
        }),
    });
    await startWorker({ store, workflows: [held], leaseMs: 300, concurrency: 1 });
    const run = await submit(store, held);
    const step = await seenStep(store, run, ({ progress }) => progress?.at === "here");
    await bare.release(step.session as string, [{ run, address: "work", fence: step.fence }]);
    expect(await aborted.promise).toMatchObject({ reason: "lost" });
  });

  it("that stop make a step frozen: aborted, recorded and tried again", async () => {
    const store = await fileStore();
    const silence = gate();
    const frozen = task({
      name: "work",
      heartbeat: 250,
      retry: { attempts: 2, delay: 0 },
      async run(_, ctx) {
        if (ctx.tries === 2) return "in time";
        ctx.heartbeat({ at: "start" });
        ctx.signal.addEventListener("abort", () => silence.open());
        await silence.promise;
        throw ctx.signal.reason;
      },
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [frozen], leaseMs: 600, observe });
    const run = await submit(store, frozen);
    expect(await seen({ type: "reported", report: "retry" })).toMatchObject({ reason: "frozen" });
    await store.promoteDue(10);
    expect(await result(store, run, frozen)).toBe("in time");
    expect(await store.listAttempts(run, "work")).toMatchObject([{ fence: 1, reason: "frozen" }]);
  });
});

describe("a worker's vitals", () => {
  it("show a loop that is blocked, while the thread keeps the lease", async () => {
    const store = await fileStore();
    const up = gate();
    const log = { ...silent, debug: (said: string) => void (said.includes("thread is up") && up.open()) };
    const looks: unknown[] = [];
    const blocking = task({
      name: "work",
      async run() {
        const endMs = performance.now() + 2_500;
        while (performance.now() < endMs);
        // Nothing of this loop has told the store anything since.
        const [worker] = await store.listWorkers();
        const step = (await store.listSteps(run.id, { limit: 1 })).steps[0] as StepRecord;
        looks.push(worker, livenessOf({ step, worker }, await store.readTime()));
        return null;
      },
    });
    const run = { id: "" };
    await startWorker({ store, workflows: [blocking], leaseMs: 900, concurrency: 3, log });
    await up.promise;
    run.id = await submit(store, blocking);
    expect(await ended(store, run.id)).toBe("succeeded");
    const [worker, liveness] = looks as [{ lagMs: number }, string];
    expect(worker.lagMs).toBeGreaterThan(1_000);
    expect(liveness).toBe("blocked-loop");
    for (let look = 0; look < 500; look++) {
      const [after] = await store.listWorkers();
      if ((after?.lagMs ?? 9) < 1_000) {
        expect(after).toMatchObject({ slots: 3, running: 0, free: 3 });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("the loop never got free");
  }, 20_000);

  it("tell how long successes took, and nothing of failures", async () => {
    const bare = await openStore();
    const { store, told, until } = renewing(bare);
    const work = task({
      name: "work",
      retry: { attempts: 1 },
      input: undefined,
      async run(input: { fails?: boolean }) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        if (input.fails) throw new Error("no");
        return null;
      },
    });
    await startWorker({ store, workflows: [work], leaseMs: 300 });
    const runs = await Promise.all([{}, {}, {}, { fails: true }].map((input) => submit(store, work, input)));
    for (const run of runs) await ended(store, run);
    await until(told.length + 3);
    const usual = (await store.readDurations(["work"])).work;
    expect(usual?.count).toBe(3);
    expect(usual?.p50Ms).toBeGreaterThan(20);
  });
});
