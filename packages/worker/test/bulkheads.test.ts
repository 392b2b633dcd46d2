import { type Exchange, type ExchangeReply, type Grant, JobbersError, type Store, task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { createWorker } from "../src/index.js";
import { around, gate, openStore, result, startWorker, submit, submitMany } from "./bench.js";

/** A task whose handlers return when they are let go, and how many of them run. */
function held(name: string, options: { readonly queue?: string; readonly slots?: number } = {}) {
  const letGo: (() => void)[] = [];
  let told = gate();
  const seen = { running: 0, most: 0, begun: 0 };
  const made = task({
    name,
    ...options,
    run: async () => {
      seen.begun += 1;
      told.open();
      told = gate();
      seen.most = Math.max(seen.most, ++seen.running);
      await new Promise<void>((resolve) => letGo.push(resolve));
      seen.running -= 1;
      return null;
    },
  });
  return {
    /** Resolves when so many have begun. */
    begun: async (count: number) => {
      while (seen.begun < count) await told.promise;
    },
    task: made,
    seen,
    letGo: (count = letGo.length) => void letGo.splice(0, count).forEach((go) => void go()),
  };
}

/** A store that counts what is given back, and keeps what is asked for and handed out. */
function watching(store: Store) {
  const asked: Exchange[] = [];
  const granted: Grant[] = [];
  const atMs: number[] = [];
  let told = gate();
  const wait = async (isSo: () => boolean) => {
    while (!isSo()) await told.promise;
  };
  const watched = around(store, async (verb, call, args) => {
    if (verb !== "exchange") return call();
    const exchange = args[0] as Exchange;
    asked.push(exchange);
    for (const { type } of exchange.reports) if (type === "released") atMs.push(performance.now());
    const reply = (await call()) as ExchangeReply;
    granted.push(...reply.grants);
    told.open();
    told = gate();
    return reply;
  });
  const released = { atMs, seen: (count: number) => wait(() => atMs.length >= count) };
  return {
    watched,
    asked,
    released,
    granted: (task: string) => wait(() => granted.some((each) => each.needs === task)),
  };
}

describe("a bulkhead", () => {
  it("of a queue that is flooded and stuck leaves the others their share", async () => {
    const store = await openStore();
    const stuck = held("stuck", { queue: "crawl" });
    const mail = task({ name: "mail", queue: "mail", run: async () => null });
    const { watched, asked, released } = watching(store);
    await submitMany(store, stuck.task, 200);
    const worker = await startWorker({
      ...{ store: watched, workflows: [stuck.task, mail], concurrency: 4 },
      bulkheads: { queues: { crawl: 2 } },
    });
    await stuck.begun(2);
    asked.length = 0;
    for (const run of await submitMany(store, mail, 300)) await result(store, run, mail);
    expect(stuck.seen).toEqual({ running: 2, most: 2, begun: 2 });
    expect(asked.filter(({ wants }) => wants.slots > 0 && wants.queues.includes("crawl"))).toEqual([]);
    expect(released.atMs).toEqual([]);
    expect(worker.stats()).toMatchObject({ busy: 2, waiting: 0, held: 2 });
    // Once there is room again, the queue goes on.
    stuck.letGo(1);
    await stuck.begun(3);
    expect(stuck.seen.most).toBe(2);
    stuck.letGo();
  });

  it("of a task holds where it shares its queue, and what has no place is not taken again and again", async () => {
    const store = await openStore();
    const resize = held("resize");
    const runs = await submitMany(store, resize.task, 6);
    const { watched, released } = watching(store);
    await startWorker({
      ...{ store: watched, workflows: [resize.task], concurrency: 4, bulkheads: { tasks: { resize: 1 } } },
    });
    // Three came along and go back at once; they are asked for again after a second, as others might have taken them.
    await released.seen(3);
    await released.seen(4);
    expect((released.atMs[3] as number) - (released.atMs[2] as number)).toBeGreaterThan(500);
    for (let n = 1; n <= runs.length; n++) {
      await resize.begun(n);
      resize.letGo();
    }
    for (const run of runs) await result(store, run, resize.task);
    expect(resize.seen.most).toBe(1);
  });

  it("is refused where it is of nothing that the worker has, or too small for a task", async () => {
    const store = await openStore();
    const small = task({ name: "small", run: async () => null });
    const heavy = task({ name: "heavy", queue: "big", slots: 3, run: async () => null });
    const refusal = (options: Partial<Parameters<typeof createWorker>[0]>) => {
      try {
        createWorker({ store, workflows: [small, heavy], concurrency: 4, ...options });
      } catch (error) {
        return error instanceof JobbersError ? `${error.code}: ${error.message}` : error;
      }
      return undefined;
    };
    expect(refusal({})).toBeUndefined();
    expect(
      refusal({ bulkheads: { queues: { big: 3, default: 4 }, tasks: { heavy: 3, small: 1 } } }),
    ).toBeUndefined();
    expect(refusal({ concurrency: 2 })).toMatch(
      /flag-invalid: task "heavy" takes 3 slots, but the worker's concurrency is 2; give/,
    );
    expect(refusal({ bulkheads: { tasks: { heavy: 2 } } })).toMatch(/but its bulkhead is 2/);
    expect(refusal({ bulkheads: { queues: { big: 2 } } })).toMatch(/bulkhead of its queue "big" is 2/);
    expect(refusal({ bulkheads: { queues: { mail: 2 } } })).toMatch(
      /bulkhead of queue "mail"; it takes queues of its own/,
    );
    expect(refusal({ bulkheads: { tasks: { other: 2 } } })).toMatch(
      /task "other"; it takes tasks of its own/,
    );
    expect(refusal({ bulkheads: { tasks: { small: 5 } } })).toMatch(/takes a whole number from 1 to 4/);
  });
});

describe("a task of several slots", () => {
  it("runs once at a time where only one fits, beside a small one", async () => {
    const store = await openStore();
    const heavy = held("heavy", { slots: 3 });
    const small = held("small");
    const runs = await submitMany(store, heavy.task, 3);
    await submitMany(store, small.task, 20);
    const worker = await startWorker({ store, workflows: [heavy.task, small.task], concurrency: 4 });
    let most = 0;
    for (let n = 1; n <= runs.length; n++) {
      await heavy.begun(n);
      most = Math.max(most, worker.stats().busy);
      expect(3 * heavy.seen.running + small.seen.running).toBeLessThanOrEqual(4);
      heavy.letGo();
      small.letGo();
    }
    for (const run of runs) await result(store, run, heavy.task);
    expect(heavy.seen.most).toBe(1);
    expect(most).toBeLessThanOrEqual(4);
    small.letGo();
  });

  it("is not overtaken by small ones that came with it", async () => {
    const store = await openStore();
    const heavy = held("heavy", { slots: 4 });
    const small = held("small");
    const { watched, granted } = watching(store);
    await submit(store, small.task);
    await startWorker({ store: watched, workflows: [heavy.task, small.task], concurrency: 4 });
    await small.begun(1);
    await submit(store, heavy.task, {}, { priority: 9 });
    await submitMany(store, small.task, 8);
    await granted("heavy");
    small.letGo();
    await heavy.begun(1);
    expect(small.seen.begun).toBe(1);
    heavy.letGo();
    await small.begun(5);
    small.letGo();
  });

  it("gets its turn although small ones keep coming", async () => {
    const store = await openStore();
    const heavy = held("heavy", { slots: 4 });
    const turns = gate();
    let begun = 0;
    let isOver = false;
    const small = task({
      name: "small",
      run: async () => {
        begun += 1;
        // Each has another one follow, and they never return all at once.
        if (!isOver) await submit(store, small);
        await new Promise((resolve) => setTimeout(resolve, 5 + (begun % 7)));
        if (begun === 20) turns.open();
        return null;
      },
    });
    await submitMany(store, small, 12);
    await startWorker({ store, workflows: [heavy.task, small], concurrency: 4 });
    await turns.promise;
    const run = await submit(store, heavy.task);
    await heavy.begun(1);
    isOver = true;
    heavy.letGo();
    await result(store, run, heavy.task);
  });
});
