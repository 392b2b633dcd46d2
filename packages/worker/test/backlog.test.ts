import { JobbersError, type Store, type TaskContext, task } from "@jobbers/core";
import { until } from "@jobbers/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Pace } from "../src/pace.js";
import {
  around,
  ended,
  gate,
  openStore,
  recorder,
  result,
  startWorker,
  submit,
  submitMany,
} from "./bench.js";

/** How many handlers run, and the most that ever did. */
function gauge() {
  let now = 0;
  const seen = { most: 0, calls: 0 };
  return {
    seen,
    async during<T>(work: () => Promise<T>): Promise<T> {
      seen.calls += 1;
      seen.most = Math.max(seen.most, ++now);
      try {
        return await work();
      } finally {
        now -= 1;
      }
    },
  };
}

/** Has time pass so many times slower: how far ahead a worker takes depends on how fast steps return, and a machine may be busy. */
function slowClock(times: number): void {
  const now = performance.now.bind(performance);
  const fromMs = now();
  const clock = vi.spyOn(performance, "now").mockImplementation(() => fromMs + (now() - fromMs) / times);
  onTestFinished(() => clock.mockRestore());
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("steps taken ahead", () => {
  it("come in hundreds where they are small, and no more of them run at a time than there are slots", async () => {
    const store = await openStore();
    slowClock(20);
    const { seen, during } = gauge();
    const small = task({ name: "small", run: () => during(async () => null) });
    const runs = await submitMany(store, small, 1_000);
    const worker = await startWorker({ store, workflows: [small], concurrency: 2 });
    for (const run of runs) await result(store, run, small);
    expect(seen).toEqual({ most: 2, calls: 1_000 });
    expect(worker.stats().exchanges).toBeLessThan(250);
  });

  it("go to other workers, in their order, when the one before them takes its time", async () => {
    const store = await openStore();
    const { busy, stuck, small, order } = await stuckBehind(store);
    expect(busy.stats()).toMatchObject({ busy: 1, waiting: 0, ahead: 0 });
    const before = order.length;
    await startWorker({ store, workflows: [small.task], concurrency: 1 });
    for (const run of small.runs) await result(store, run, small.task);
    expect(order.slice(before)).toEqual(order.slice(before).toSorted((a, b) => a - b));
    stuck.open();
  });

  it("are left to others by a worker of many slots that are all stuck, however fast it was before", async () => {
    const store = await openStore();
    const stuck = gate();
    const quick = task({ name: "quick", run: async () => null });
    const long = task({ name: "long", run: () => stuck.promise });
    const { observe, count } = recorder();
    const fast = await startWorker({ store, workflows: [quick, long], concurrency: 100, observe });
    for (const run of await submitMany(store, quick, 2_000)) await result(store, run, quick);
    await submitMany(store, long, 110);
    const runs = await submitMany(store, quick, 30);
    await until(store, async () => fast.stats().busy === 100 && fast.stats().waiting === 0);
    await startWorker({ store, workflows: [quick, long], concurrency: 20 });
    for (const run of runs) await result(store, run, quick);
    expect(count({ type: "reported", report: "released" })).toBeLessThan(300);
    stuck.open();
  });

  it("are not begun when their run is cancelled, and are given back when the worker stops", async () => {
    const store = await openStore();
    const { events, observe } = recorder();
    const { during, seen } = gauge();
    const stuck = gate();
    const begun = gate();
    const work = task({
      name: "work",
      async run(input: { hold?: boolean }, ctx: TaskContext) {
        if (!input.hold) return during(turn);
        begun.open();
        await Promise.race([
          stuck.promise,
          new Promise((resolve) => ctx.signal.addEventListener("abort", resolve)),
        ]);
        return null;
      },
    });
    const first = await submitMany(store, work, 60);
    const holds = await submit(store, work, { hold: true });
    const later = await submitMany(store, work, 20);
    const worker = await startWorker({ store, workflows: [work], concurrency: 1, observe });
    await begun.promise;
    for (const run of later) await store.cancel(run);
    for (const run of later) expect(await ended(store, run)).toBe("cancelled");
    expect(seen.calls).toBe(first.length);
    stuck.open();
    expect(await ended(store, holds)).toBe("succeeded");
    const last = await submitMany(store, work, 50);
    await worker.stop({ giveBack: true });
    expect(worker.stats().held).toBe(0);
    const [running] = (await store.listWorkers()).map(({ held }) => held);
    expect(running ?? 0).toBe(0);
    await startWorker({ store, workflows: [work], concurrency: 1 });
    for (const run of last) await result(store, run, work);
    expect(events.filter((event) => event.type === "reported" && event.verdict !== "accepted")).toEqual([]);
  });
});

describe("a step that has lost its worker twice", () => {
  it("is tried with no other such step in the worker's hands, one after the other", async () => {
    const store = await openStore();
    const { seen, during } = gauge();
    const held: number[] = [];
    const risky = task({
      name: "risky",
      run: () =>
        during(async () => {
          const { busy, waiting } = worker.stats();
          held.push(busy + waiting);
          await turn();
        }),
    });
    const runs = await submitMany(store, risky, 12);
    for (let loss = 0; loss < 2; loss++) await lose(store, "risky");
    const worker = await startWorker({ store, workflows: [risky], concurrency: 10 });
    for (const run of runs) await result(store, run, risky);
    expect(seen).toEqual({ most: 1, calls: 12 });
    expect(held).toEqual(Array(12).fill(1));
  });

  it("costs its worker no slot for good: steady load has all of them again afterwards", async () => {
    const store = await openStore();
    const order: number[] = [];
    let running = 0;
    const work = task({
      name: "work",
      async run() {
        order.push(++running);
        for (let n = 0; n < 5; n++) await turn();
        running -= 1;
      },
    });
    const [suspect = ""] = await submitMany(store, work, 1);
    for (let loss = 0; loss < 2; loss++) await lose(store, "work");
    const steady = await submitMany(store, work, 100);
    const worker = await startWorker({ store, workflows: [work], concurrency: 4 });
    for (const run of [suspect, ...steady]) await result(store, run, work);
    // What follows finds a worker that neither takes less than it could nor runs more than it may.
    for (let round = 0; round < 3; round++) {
      order.length = 0;
      for (const run of await submitMany(store, work, 100)) await result(store, run, work);
      expect(order).toHaveLength(100);
      expect(Math.max(...order)).toBe(4);
      expect(order.filter((at) => at === 4).length).toBeGreaterThan(50);
    }
    expect(worker.stats()).toMatchObject({ busy: 0, waiting: 0, held: 0 });
    // As long as a suspect keeps its worker to itself at most would be too long: it has returned.
  }, 8_000);

  it("spares its neighbours: of a hundred that died with it, it alone is quarantined", async () => {
    const store = await openStore();
    const dead = gate();
    const mortal = task({
      name: "mortal",
      run: async ({ kills }: { kills?: boolean }, { signal }) => {
        if (!kills) return turn();
        dead.open();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    const before = await submitMany(store, mortal, 50);
    const killer = await submit(store, mortal, { kills: true });
    const behind = await submitMany(store, mortal, 50);
    for (let death = 0; death < 2; death++) await lose(store, "mortal");
    const doomed = await startWorker({
      store: deadAfter(store, dead.promise),
      workflows: [mortal],
      concurrency: 10,
    });
    await dead.promise;
    await store.reapSessions({ sweepMs: 1, limit: 500, gone: [doomed.stats().session as string] });
    await startWorker({ store, workflows: [mortal], concurrency: 10 });
    for (const run of [...before, ...behind]) expect(await ended(store, run)).toBe("succeeded");
    expect(await ended(store, killer)).toBe("failed");
  });
});

describe("the pace", () => {
  function paced() {
    let nowMs = 0;
    const pace = new Pace(() => nowMs);
    return {
      pace,
      /** Steps return one after the other, so many milliseconds apart. */
      steps(count: number, eachMs: number) {
        for (let i = 0; i < count; i++) {
          nowMs += eachMs;
          pace.returned();
        }
      },
      pass: (ms: number) => {
        nowMs += ms;
      },
    };
  }

  it("takes nothing ahead before it knows anything, then as much as returns in 5 ms, and at most 200", () => {
    const { pace, steps } = paced();
    expect(pace.ahead).toBe(0);
    steps(500, 0.5);
    expect(pace.ahead).toBeGreaterThan(8);
    expect(pace.ahead).toBeLessThan(12);
    steps(20_000, 0.01);
    expect(pace.ahead).toBe(200);
    steps(10, 50);
    expect(pace.ahead).toBe(0);
  });

  it("takes nothing ahead once nothing returns any more, be it because nothing came or because all are stuck", () => {
    const { pace, steps, pass } = paced();
    steps(500, 0.1);
    expect(pace.ahead).toBeGreaterThan(45);
    pass(100);
    expect(pace.ahead).toBe(0);
    steps(500, 0.1);
    pace.stalled();
    expect(pace.ahead).toBe(0);
  });

  it("takes nothing ahead for a while after a step that was lost before", () => {
    const { pace, steps } = paced();
    steps(500, 0.1);
    pace.warn();
    steps(63, 0.1);
    expect(pace.ahead).toBe(0);
    steps(1, 0.1);
    expect(pace.ahead).toBeGreaterThan(45);
  });
});

/** A worker of one slot that has taken small steps ahead, and is stuck in one before them. */
async function stuckBehind(store: Store) {
  const stuck = gate();
  const begun = gate();
  const order: number[] = [];
  const work = task({
    name: "work",
    async run(input: { n?: number; hold?: boolean }) {
      order.push(input.n ?? -1);
      if (!input.hold) return turn();
      begun.open();
      await stuck.promise;
    },
  });
  for (const run of await submitMany(store, work, 60)) void run;
  const holds = await submit(store, work, { hold: true });
  const runs: string[] = [];
  for (let n = 0; n < 40; n++) runs.push(await submit(store, work, { n }));
  const { observe, seen } = recorder();
  const busy = await startWorker({ store, workflows: [work], concurrency: 1, observe });
  await begun.promise;
  await seen({ type: "reported", report: "released" });
  await until(store, async () => busy.stats().held === 1);
  return { busy, stuck, holds, small: { task: work, runs }, order };
}

/** Somebody takes all that there is, and dies. */
async function lose(store: Store, serves: string): Promise<void> {
  const opening = { host: "elsewhere", pid: 1, leaseMs: 60_000, queues: ["default"], registers: [] };
  const { id } = await store.openSession({ ...opening, worker: "doomed", serves: [serves] });
  const wants = { slots: 500, control: 0, queues: ["default"], inline: false };
  await store.exchange({ session: id, lane: 0, seq: 1, reports: [], wants });
  for (let more = true; more; ) {
    ({ more } = await store.reapSessions({ sweepMs: 1, limit: 500, gone: [id] }));
  }
}

/** A store that answers no more from some moment on, as far as who uses it can see. */
function deadAfter(store: Store, death: Promise<void>): Store {
  let isDead = false;
  void death.then(() => {
    isDead = true;
  });
  return around(store, (_verb, call) =>
    isDead ? Promise.reject(new JobbersError("store-closed", "this store is gone")) : call(),
  );
}
