import { type Exchange, type ExchangeReply, type Store, task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { around, gate, openStore, result, startWorker, submit, submitMany } from "./bench.js";

const noop = task({ name: "noop", run: async () => null });

/** A store that would have so many exchanges under way, and the numbers of the lanes that were seen. */
function laned(
  store: Store,
  lanes: number | undefined,
  seen: Set<number>,
  before = async (_lane: number) => {},
) {
  const watched = around(store, async (verb, call, args) => {
    if (verb !== "exchange") return call();
    const { lane } = args[0] as Exchange;
    seen.add(lane);
    await before(lane);
    return call();
  });
  return new Proxy(watched, {
    get: (target, key) => (key === "lanes" ? lanes : Reflect.get(target, key)),
  });
}

/** A store that holds exchanges back until there is something, and tells of each, and of each listening beside them. */
function holding(store: Store, held: (exchange: Exchange) => void, listened = () => {}): Store {
  return new Proxy(laned(store, 2, new Set()), {
    get(target, key) {
      if (key === "standBy")
        return async (exchange: Exchange, signal: AbortSignal) => {
          held(exchange);
          await store.listen(exchange.session, { queues: exchange.wants.queues, timeoutMs: 5_000, signal });
          return store.exchange(exchange);
        };
      if (key === "listen")
        return (...args: Parameters<Store["listen"]>) => {
          listened();
          return store.listen(...args);
        };
      return Reflect.get(target, key);
    },
  });
}

describe("a worker's lanes", () => {
  it("leave the next exchange with a store that holds it back, for one step, while none runs", async () => {
    const store = await openStore();
    const [isHeld, runs, mayEnd] = [gate(), gate(), gate()];
    const held: Exchange[] = [];
    let rests = gate();
    const wait = task({
      name: "wait",
      async run() {
        rests = gate();
        runs.open();
        await mayEnd.promise;
        return null;
      },
    });
    const hold = (exchange: Exchange) => {
      held.push(exchange);
      isHeld.open();
    };
    const worker = await startWorker({
      store: holding(store, hold, () => rests.open()),
      workflows: [noop, wait],
      concurrency: 20,
    });
    await isHeld.promise;
    const run = await submit(store, wait);
    await runs.promise;
    await rests.promise;
    // The one that brought the step was the last: beside what runs it listens.
    expect(held).toMatchObject([{ lane: 0, reports: [], wants: { slots: 1 } }]);
    mayEnd.open();
    await result(store, run, wait);
    for (const each of await submitMany(store, noop, 200)) await result(store, each, noop);
    expect(held.length).toBeGreaterThan(1);
    const fromMs = performance.now();
    await worker.stop();
    expect(performance.now() - fromMs).toBeLessThan(4_000);
  });

  it("are as many as the store says, and all are used where there is plenty", async () => {
    const store = await openStore();
    const seen = new Set<number>();
    await startWorker({ store: laned(store, 2, seen), workflows: [noop], concurrency: 20 });
    // Both lanes look once when they begin; from then on the second waits until it is woken.
    await result(store, await submit(store, noop), noop);
    seen.clear();
    for (const run of await submitMany(store, noop, 200)) await result(store, run, noop);
    expect([...seen].sort()).toEqual([0, 1]);
  });

  it("go on one without the other: a call that hangs holds back its own lane only", async () => {
    const store = await openStore();
    const runs = await submitMany(store, noop, 200);
    const hanging = gate();
    const reached = gate();
    const seen = new Set<number>();
    const before = async (lane: number) => {
      if (lane !== 1) return;
      reached.open();
      await hanging.promise;
    };
    await startWorker({ store: laned(store, 2, seen, before), workflows: [noop], concurrency: 20 });
    await reached.promise;
    for (const run of runs) await result(store, run, noop);
    hanging.open();
  });

  it("is one where the store says nothing, or the worker was told so", async () => {
    const seen = new Set<number>();
    const silent = await openStore();
    const told = await openStore();
    for (const [store, lanes] of [
      [laned(silent, undefined, seen), undefined],
      [laned(told, 2, seen), 1],
    ] as const) {
      await startWorker({ store, workflows: [noop], concurrency: 20, ...(lanes !== undefined && { lanes }) });
      for (const run of await submitMany(store, noop, 100)) await result(store, run, noop);
    }
    expect([...seen]).toEqual([0]);
  });

  it("come back by themselves when a limit opens that they have met, in time and once", async () => {
    const store = await openStore();
    let exchanges = 0;
    const back = gate();
    let fromMs = 0;
    const watched = around(store, async (verb, call) => {
      if (verb !== "exchange") return call();
      exchanges += 1;
      if (fromMs > 0) back.open();
      const reply = (await call()) as ExchangeReply;
      if (exchanges !== 1) return reply;
      fromMs = performance.now();
      return { ...reply, opensInMs: 80 };
    });
    await startWorker({ store: laned(watched, 2, new Set()), workflows: [noop], lanes: 1 });
    await back.promise;
    // A timer may come a fraction of a millisecond early.
    const tookMs = Math.ceil(performance.now() - fromMs);
    expect(tookMs).toBeGreaterThanOrEqual(80);
    // It polls every five seconds all the same.
    expect(tookMs).toBeLessThan(3_000);
    expect(exchanges).toBe(2);
  });

  it("have their answers looked at one by one, though they come together: what came of the first is sent before", async () => {
    const store = await openStore();
    const runs = await submitMany(store, noop, 200);
    let starts = 0;
    const counted = task({
      name: "noop",
      async run() {
        starts += 1;
      },
    });
    /** Of answers that came together: how many steps each brought, and how many had begun when the next reports were sent. */
    const pairs: { readonly grants: readonly number[]; readonly from: number; begun?: number }[] = [];
    const held: { readonly count: number; readonly answer: () => void }[] = [];
    const watched = around(store, async (verb, call) => {
      if (verb !== "exchange") return call();
      const last = pairs.at(-1);
      if (last && last.begun === undefined) last.begun = starts - last.from;
      const reply = (await call()) as ExchangeReply;
      if (pairs.length === 3 || reply.grants.length === 0) {
        for (const { answer } of held.splice(0)) answer();
        return reply;
      }
      await new Promise<void>((answer) => {
        held.push({ count: reply.grants.length, answer });
        if (held.length < 2) return;
        pairs.push({ grants: held.map(({ count }) => count), from: starts });
        for (const each of held.splice(0)) each.answer();
      });
      return reply;
    });
    await startWorker({ store: laned(watched, 2, new Set()), workflows: [counted], concurrency: 20 });
    for (const run of runs) await result(store, run, counted);
    expect(pairs).toHaveLength(3);
    for (const { grants, begun } of pairs) expect(grants).toContain(begun);
  });

  it("take no more than they report while there is more to report than one exchange carries", async () => {
    const store = await openStore();
    const runs = await submitMany(store, noop, 2_000);
    const full: Exchange[] = [];
    const watched = around(store, async (verb, call, args) => {
      const exchange = args[0] as Exchange;
      if (verb === "exchange" && exchange.reports.length === 200) full.push(exchange);
      return call();
    });
    await startWorker({ store: watched, workflows: [noop], concurrency: 600 });
    for (const run of runs) await result(store, run, noop);
    expect(full.length).toBeGreaterThan(1);
    // The last of them may be all that there is to report.
    const greedy = full.filter(({ reports, wants }) => wants.slots > reports.length);
    expect(greedy.length).toBeLessThan(full.length / 2);
  });

  it("beyond the first are left alone while there is little to do", async () => {
    const seen = new Set<number>();
    const store = laned(await openStore(), 2, seen);
    await startWorker({ store, workflows: [noop], concurrency: 20 });
    seen.clear();
    for (let i = 0; i < 5; i++) await result(store, await submit(store, noop), noop);
    expect([...seen]).toEqual([0]);
  });
});
