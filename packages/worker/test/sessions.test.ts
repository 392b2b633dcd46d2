import { dag, type Exchange, type ExchangeReply, JobbersError, task } from "@jobbers/core";
import { createFakeClock, faultyStore, openDriver, turns } from "@jobbers/testing";
import { describe, expect, it, vi } from "vitest";
import {
  around,
  ended,
  gate,
  openStore,
  recorder,
  result,
  schema,
  silent,
  startWorker,
  submit,
  submitMany,
} from "./bench.js";

const noop = task({ name: "noop", run: async () => null });
const double = task({ name: "double", input: schema<{ n: number }>(), run: async ({ n }) => n * 2 });
const sum = task({
  name: "sum",
  input: schema<{ list: number[] }>(),
  run: async ({ list }) => list.reduce((all, n) => all + n, 0),
});
const wide = dag("wide", { input: schema<{ list: number[] }>() }, ({ list }) =>
  sum({ list: list.map((n) => double({ n: double({ n }) })) }),
);

/** A store whose sessions expire on a clock that the test moves. */
async function mortalBench() {
  const clock = createFakeClock();
  const store = await openStore("memory:", { clock: clock.now, expireMemorySessions: true });
  const expire = async () => {
    clock.advance(20_000);
    await store.reapSessions({ sweepMs: 5_000, limit: 500 });
    clock.advance(6_000);
    return store.reapSessions({ sweepMs: 5_000, limit: 500 });
  };
  return { clock, store, expire };
}

describe("several workers", () => {
  it("share the work, each step going to one of them", async () => {
    const store = await openStore();
    const one = recorder();
    const two = recorder();
    const work = task({ name: "work", run: () => turns(20) });
    const runs = await submitMany(store, work, 300);
    await startWorker({ store, workflows: [work], concurrency: 5, observe: one.observe });
    await startWorker({ store, workflows: [work], concurrency: 5, observe: two.observe });
    for (const run of runs) await ended(store, run);
    const [a, b] = [one.count({ type: "started" }), two.count({ type: "started" })];
    expect(a + b).toBe(300);
    expect(Math.min(a, b)).toBeGreaterThan(50);
  });

  it("each do what they can: a mixed fleet runs a dag that none of them could run alone", async () => {
    const store = await openStore();
    const inner = dag("inner", { input: schema<{ n: number }>() }, ({ n }) => double({ n }));
    const whole = dag("whole", { input: schema<{ n: number }>() }, ({ n }) =>
      sum({ list: [inner({ n }), 1] }),
    );
    const doubles = recorder();
    const sums = recorder();
    await startWorker({ store, workflows: [double], observe: doubles.observe });
    const run = await submit(store, whole, { n: 4 });
    await doubles.seen({ type: "session", what: "opened" });
    await turns(20);
    expect((await store.getStep(run, "inner"))?.state).toBe("ready");
    await startWorker({ store, workflows: [inner], observe: doubles.observe });
    await doubles.seen({ type: "reported", report: "succeeded" });
    await startWorker({ store, workflows: [sum], observe: sums.observe });
    expect(await result(store, run, whole)).toBe(9);
    expect(sums.count({ type: "started", task: "double" })).toBe(0);
  });

  it("follow plans that they have not registered", async () => {
    const store = await openStore();
    await startWorker({ store, workflows: [double, sum] });
    const run = await submit(store, wide, { list: [1, 2, 3] });
    expect(await result(store, run, wide)).toBe(24);
  });
});

describe("a session that is lost", () => {
  it("lets a late success count while nobody took the step", async () => {
    const { store, expire } = await mortalBench();
    const done = gate<string>();
    const slow = task({ name: "slow", run: () => done.promise });
    const { observe, seen, count } = recorder();
    const worker = await startWorker({ store, workflows: [slow], observe });
    const first = worker.stats().session;
    // Its one slot is taken, so it does not take the step itself again.
    const single = await submit(store, slow);
    await seen({ type: "started" });
    expect((await expire()).returned).toBe(1);
    done.open("late");
    expect(await seen({ type: "reported", run: single })).toMatchObject({
      report: "succeeded",
      verdict: "accepted",
    });
    expect(await result(store, single, slow)).toBe("late");
    await seen({ type: "session", what: "trusted" });
    expect(worker.stats().session).not.toBe(first);
    expect(count({ type: "session", what: "lost" })).toBe(1);
    const next = await submit(store, slow);
    expect(await result(store, next, slow)).toBe("late");
  });

  it("lets another take over; the first one's handler is aborted and its result is stale", async () => {
    const { store, expire } = await mortalBench();
    const done = gate();
    const reasons: unknown[] = [];
    let calls = 0;
    const slow = task({
      name: "slow",
      run: async (_, ctx) => {
        calls += 1;
        if (calls > 1) return "second";
        ctx.signal.addEventListener("abort", () => reasons.push(ctx.signal.reason.reason));
        await done.promise;
        return "first";
      },
    });
    const a = recorder();
    await startWorker({ store, workflows: [slow, noop], concurrency: 2, observe: a.observe });
    const run = await submit(store, slow);
    await a.seen({ type: "started" });
    await expire();
    await startWorker({ store, workflows: [slow], name: "b" });
    expect(await result(store, run, slow)).toBe("second");
    // The first worker learns of its loss with its next exchange.
    await submit(store, noop);
    await a.seen({ type: "session", what: "lost" });
    expect(reasons).toEqual(["lost"]);
    done.open();
    expect(await a.seen({ type: "reported", run })).toMatchObject({ report: "succeeded", verdict: "stale" });
  });

  it("is renewed, and goes on, when it has merely expired", async () => {
    const inner = await openStore();
    let expired = false;
    const store = around(inner, async (verb, call, args) => {
      if (verb === "renew") expired = false;
      const { reports } = args[0] as Exchange;
      if (verb !== "exchange" || !expired || reports.length > 0) return call();
      return { results: [], grants: [], mail: [], more: false, alive: false } satisfies ExchangeReply;
    });
    const done = gate();
    const slow = task({ name: "slow", run: (_, ctx) => done.promise.then(() => ctx.signal.aborted) });
    const { observe, seen, count } = recorder();
    const worker = await startWorker({ store, workflows: [slow, noop], observe });
    const first = worker.stats().session;
    const run = await submit(inner, slow);
    await seen({ type: "started" });
    expired = true;
    const other = await submit(inner, noop);
    expect(await result(inner, other, noop)).toBeNull();
    expect(expired).toBe(false);
    done.open();
    expect(await result(inner, run, slow)).toBe(false);
    expect(worker.stats().session).toBe(first);
    expect(count({ type: "session", what: "lost" })).toBe(0);
  });

  it("quarantines a step that took three workers down, and goes on from there", async () => {
    const { store } = await mortalBench();
    const poison = task({ name: "poison", run: async () => 1 });
    const safe = dag("safe", { failure: "continue" }, () => {
      const bad = poison({});
      const caught = noop({}, { name: "caught", trigger: "one_failed", after: bad });
      return noop({}, { name: "end", trigger: "none_failed", after: caught });
    });
    const run = await submit(store, safe);
    for (let i = 0; i < 3; i++) {
      const victim = await openDriver(store, { serves: ["poison"] });
      expect(await victim.take(1)).toHaveLength(1);
      await store.reapSessions({ sweepMs: 5_000, limit: 500, gone: [victim.session.id] });
    }
    expect(await store.getStep(run, "poison")).toMatchObject({
      state: "failed",
      reason: "quarantined",
      lost: 3,
    });
    const { observe, count } = recorder();
    await startWorker({ store, workflows: [safe], observe });
    expect(await ended(store, run)).toBe("succeeded");
    expect((await store.getStep(run, "caught"))?.state).toBe("succeeded");
    expect(count({ type: "started", task: "poison" })).toBe(0);
  });
});

describe("a bad line to the store", () => {
  it.each([1, 2, 3, 4])(
    "loses replies, repeats calls and delays them: nothing is lost or run twice (seed %i)",
    async (seed) => {
      const inner = await openStore();
      const store = faultyStore(inner, { seed, twice: true, dropReplies: 0.25, delay: true, chunk: 40 });
      const { observe, count } = recorder();
      const runs = await submitMany(inner, noop, 60);
      runs.push(await submit(inner, wide, { list: Array.from({ length: 200 }, (_, i) => i) }));
      await startWorker({ store, workflows: [noop, wide], concurrency: 20, lanes: 2, observe });
      for (const run of runs) expect(await ended(inner, run)).toBe("succeeded");
      expect(count({ type: "started" })).toBe(60 + 400 + 1);
    },
  );

  it("may be down for a while: what finishes meanwhile is reported when it is back", async () => {
    const inner = await openStore();
    let away = false;
    const refused = gate();
    const store = around(inner, async (_, call) => {
      if (!away) return call();
      refused.open();
      throw new Error("connection refused");
    });
    const done = gate<number>();
    const slow = task({ name: "slow", run: () => done.promise });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [slow], observe });
    const run = await submit(inner, slow);
    await seen({ type: "started" });
    away = true;
    done.open(1);
    await refused.promise;
    away = false;
    expect(await result(inner, run, slow)).toBe(1);
  });

  it("may be down for longer than the lease: handlers are aborted, and their steps are run again", async () => {
    const inner = await openStore("memory:", { expireMemorySessions: true });
    let away = false;
    const store = around(inner, (_, call) => (away ? Promise.reject(new Error("away")) : call()));
    const reasons: unknown[] = [];
    const patient = task({
      name: "patient",
      run: async (_, ctx) => {
        if (ctx.attempt > 1) return { attempt: ctx.attempt, tries: ctx.tries };
        await new Promise((_, reject) =>
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)),
        );
        return null;
      },
    });
    const { observe, seen } = recorder();
    const worker = await startWorker({ store, workflows: [patient], leaseMs: 200, observe });
    const run = await submit(inner, patient);
    await seen({ type: "started" });
    away = true;
    await seen({ type: "session", what: "doubtful" });
    expect(worker.stats().trusted).toBe(false);
    await seen({ type: "returned" });
    reasons.push((await inner.getStep(run, "patient"))?.state);
    expect(reasons).toEqual(["running"]);
    away = false;
    expect(await result(inner, run, patient)).toEqual({ attempt: 2, tries: 1 });
    expect(worker.stats().trusted).toBe(true);
  });

  it("may be away until the lease has ended: what it grants meanwhile is not begun, but given back", async () => {
    const inner = await openStore("memory:", { expireMemorySessions: true });
    const { observe, seen, count } = recorder();
    let away = false;
    let isLate = true;
    const store = around(inner, async (verb, call) => {
      if (away && verb === "renew") throw new Error("away");
      const reply = await call();
      if (verb === "exchange" && isLate && (reply as ExchangeReply).grants.length > 0) {
        isLate = false;
        away = true;
        await seen({ type: "session", what: "doubtful" });
      }
      return reply;
    });
    const again = task({ name: "again", run: async (_, ctx) => ctx.attempt });
    await startWorker({ store, workflows: [again], leaseMs: 200, observe });
    const run = await submit(inner, again);
    await seen({ type: "session", what: "doubtful" });
    await turns(20);
    expect(count({ type: "started" })).toBe(0);
    away = false;
    expect(await result(inner, run, again)).toBe(2);
    expect(count({ type: "started" })).toBe(1);
  });

  it("makes the worker give back grants that got lost for good", async () => {
    const inner = await openStore();
    let swallowed = 0;
    const store = around(inner, async (verb, call) => {
      const reply = await call();
      if (verb !== "exchange" || swallowed > 0) return reply;
      const { grants } = reply as ExchangeReply;
      swallowed += grants.length;
      return { ...(reply as ExchangeReply), grants: [] };
    });
    await startWorker({ store, workflows: [noop], leaseMs: 150 });
    const run = await submit(inner, noop);
    expect(await result(inner, run, noop)).toBeNull();
    expect(swallowed).toBe(1);
    expect(await inner.getStep(run, "noop")).toMatchObject({ fence: 2, tries: 0, lost: 0 });
  });

  it("may take a step away: the handler that still runs is told", async () => {
    const store = await openStore();
    const reasons: unknown[] = [];
    const patient = task({
      name: "patient",
      run: async (_, ctx) => {
        if (ctx.attempt > 1) return "second";
        await new Promise((_, reject) =>
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)),
        );
        return "first";
      },
    });
    const { observe, seen } = recorder();
    const worker = await startWorker({
      store,
      workflows: [patient],
      leaseMs: 150,
      observe,
      log: { ...silent, warn: (m) => void reasons.push(m) },
    });
    const run = await submit(store, patient);
    await seen({ type: "started" });
    await store.release(worker.stats().session as string, [{ run, address: "patient", fence: 1 }]);
    expect(await result(store, run, patient)).toBe("second");
    expect(await seen({ type: "reported", verdict: "stale" })).toMatchObject({ report: "released" });
    expect(reasons).toEqual(["the store and this worker disagree about what it holds"]);
  });

  it("may refuse one report without holding up the others", async () => {
    const inner = await openStore();
    const refuse = (args: unknown) => JSON.stringify(args).includes("unspeakable");
    const store = around(inner, async (verb, call, args) => {
      if (
        verb === "exchange" &&
        refuse((args[0] as { reports: unknown }).reports) &&
        !JSON.stringify(args).includes("refused")
      ) {
        throw new JobbersError("value-too-large", "refused");
      }
      return call();
    });
    const echo = task({ name: "echo", input: schema<{ text: string }>(), run: async ({ text }) => text });
    await startWorker({ store, workflows: [echo] });
    const runs = await Promise.all(["a", "unspeakable", "b"].map((text) => submit(inner, echo, { text })));
    expect(await result(inner, runs[0] as string, echo)).toBe("a");
    expect(await result(inner, runs[2] as string, echo)).toBe("b");
    expect(await ended(inner, runs[1] as string)).toBe("failed");
    expect((await inner.getStep(runs[1] as string, "echo"))?.reason).toBe("invalid-output");
  });

  it("may lack a plan: the step is kept for a while, said so once, and given back", async () => {
    const inner = await openStore();
    const store = around(inner, async (verb, call) => (verb === "getPlan" ? undefined : call()));
    const error = vi.fn();
    const told = gate();
    error.mockImplementation(() => told.open());
    const worker = await startWorker({ store, workflows: [double, sum], log: { ...silent, error } });
    const run = await submit(inner, wide, { list: [1] });
    await told.promise;
    await worker.stop();
    expect(error).toHaveBeenCalledTimes(1);
    expect(error.mock.calls[0]?.[0]).toMatch(/does not have plan/);
    expect(await inner.getStep(run, "double~2[]")).toMatchObject({ state: "ready", tries: 0, lost: 0 });
  });
});

describe("an idle worker", () => {
  it("is not hot, even when it is woken for nothing all the time", async () => {
    const inner = await openStore();
    let listens = 0;
    const store = around(inner, async (verb, call) => {
      if (verb !== "listen") return call();
      listens += 1;
    });
    const worker = await startWorker({ store, workflows: [noop] });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(listens).toBeGreaterThan(3);
    expect(worker.stats().exchanges).toBeLessThan(25);
  });

  it("is not hot when it has room for nothing, and control work waits", async () => {
    const inner = await openStore();
    let listens = 0;
    const store = around(inner, async (verb, call) => {
      if (verb === "listen") listens += 1;
      return verb === "getPlan" ? undefined : call();
    });
    const done = gate();
    const slow = task({ name: "slow", run: () => done.promise });
    const told = gate();
    const log = { ...silent, error: () => told.open() };
    await startWorker({ store, workflows: [slow], concurrency: 1, log });
    await submit(inner, slow);
    for (let i = 0; i < 70; i++) await submit(inner, wide, { list: [1] });
    await told.promise;
    await turns(20);
    listens = 0;
    await turns(200);
    expect(listens).toBeLessThan(3);
    done.open();
  });

  it("rejects its start when the store refuses it", async () => {
    const inner = await openStore();
    await inner.close();
    await expect(startWorker({ store: inner, workflows: [noop] })).rejects.toMatchObject({
      code: "store-closed",
    });
  });
});

describe("a store whose sessions never expire", () => {
  it("lets handlers go on while another blocks the event loop for longer than the lease", async () => {
    const store = await openStore();
    const { observe, count, seen } = recorder();
    const done = gate();
    const long = task({
      name: "long",
      run: (_, ctx) =>
        new Promise<null>((resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
          void done.promise.then(() => resolve(null));
        }),
    });
    const block = task({
      name: "block",
      run: async () => {
        await turns(2);
        const end = performance.now() + 700;
        while (performance.now() < end);
        return null;
      },
    });
    await startWorker({ store, workflows: [long, block], leaseMs: 300, observe });
    const run = await submit(store, long);
    await seen({ type: "started" });
    await result(store, await submit(store, block), block);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(count({ type: "session", what: "doubtful" } as never)).toBe(0);
    done.open();
    await result(store, run, long);
    expect((await store.getStep(run, "long"))?.fence).toBe(1);
  });
});
