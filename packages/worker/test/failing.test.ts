import { dag, MAX_VALUE_BYTES, task } from "@jobbers/core";
import { createFakeClock, turns } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { AttemptAborted } from "../src/index.js";
import {
  ended,
  gate,
  openStore,
  recorder,
  result,
  schema,
  startWorker,
  submit,
  submitMany,
} from "./bench.js";

const failureOf = (record: { failure?: string | undefined } | undefined) =>
  JSON.parse(record?.failure ?? "null");
const once = { attempts: 1 };

describe("a failing attempt", () => {
  it("is tried again after its delay, which doubles, and then fails for good", async () => {
    const clock = createFakeClock();
    const store = await openStore("memory:", { clock: clock.now });
    const tries: number[] = [];
    const flaky = task({
      name: "flaky",
      retry: { attempts: 3, delay: "1s", jitter: false },
      run: async (_, ctx) => {
        tries.push(ctx.tries);
        throw new RangeError(`try ${ctx.tries}`);
      },
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [flaky], observe });
    const run = await submit(store, flaky);
    for (const [retry, delayMs] of [1_000, 2_000].entries()) {
      await seen({ type: "reported", report: "retry" }, retry + 1);
      clock.advance(delayMs - 1);
      expect((await store.promoteDue(10)).promoted).toBe(0);
      clock.advance(1);
      expect((await store.promoteDue(10)).promoted).toBe(1);
    }
    expect(await ended(store, run)).toBe("failed");
    expect(tries).toEqual([1, 2, 3]);
    expect(failureOf(await store.getRun(run))).toMatchObject({
      step: "flaky",
      error: { name: "RangeError", message: "try 3" },
    });
    const attempts = await store.listAttempts(run, "flaky");
    expect(attempts.map(({ reason }) => reason)).toEqual(["error", "error", "error"]);
  });

  it("draws its jitter from `random`", async () => {
    const clock = createFakeClock();
    const store = await openStore("memory:", { clock: clock.now });
    const flaky = task({
      name: "flaky",
      retry: { attempts: 2, delay: "1s" },
      run: () => Promise.reject(new Error("no")),
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [flaky], observe, random: () => 0.25 });
    await submit(store, flaky);
    await seen({ type: "reported", report: "retry" });
    expect((await store.promoteDue(10)).nextDueMs).toBe(250);
  });

  it.each([
    ["null", null, { message: "null" }],
    ["undefined", undefined, { message: "undefined" }],
    ["a string", "plain", { message: "plain" }],
    ["a number", 7, { message: "7" }],
    ["a symbol", Symbol("odd"), {}],
    ["an object without a prototype", Object.create(null), {}],
    [
      "a proxy that throws",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("trap");
          },
        },
      ),
      {},
    ],
    ["an error whose cause is itself", cyclic(), { name: "Error", message: "round" }],
  ])("may throw %s", async (_, thrown, error) => {
    const store = await openStore();
    const odd = task({
      name: "odd",
      retry: once,
      run: async (): Promise<null> => {
        throw thrown;
      },
    });
    await startWorker({ store, workflows: [odd] });
    const run = await submit(store, odd);
    expect(await ended(store, run)).toBe("failed");
    expect(failureOf(await store.getRun(run)).error).toMatchObject(error);
  });

  it("is not tried again when its input does not fit the schema", async () => {
    const store = await openStore();
    const strict = task({
      name: "strict",
      input: schema<{ n: number }>((value) => {
        throw Object.assign(new Error("too odd"), { path: ["n"], value });
      }),
      run: async () => 1,
    });
    await startWorker({ store, workflows: [strict] });
    const run = await submit(store, strict, { n: 1 });
    expect(await ended(store, run)).toBe("failed");
    expect(await store.getStep(run, "strict")).toMatchObject({ tries: 1, reason: "invalid-input" });
    expect(failureOf(await store.getRun(run)).error.message).toBe("input of strict.n: too odd");
  });

  it("is not tried again when its output is no JSON; the path is named", async () => {
    const store = await openStore();
    const dates = task({
      name: "dates",
      run: async () => ({ list: [1, { when: new Date() }] }) as unknown as null,
    });
    await startWorker({ store, workflows: [dates] });
    const run = await submit(store, dates);
    expect(await ended(store, run)).toBe("failed");
    expect((await store.getStep(run, "dates"))?.reason).toBe("invalid-output");
    expect(failureOf(await store.getRun(run)).error.message).toMatch(
      /output of dates\.list\[1\]\.when is a Date/,
    );
  });

  it("says so when its output is too large", async () => {
    const store = await openStore();
    const big = task({ name: "big", run: async () => "é".repeat(MAX_VALUE_BYTES / 2) });
    await startWorker({ store, workflows: [big] });
    const run = await submit(store, big);
    expect(await ended(store, run)).toBe("failed");
    expect(failureOf(await store.getRun(run)).error.message).toBe(
      "output of big has 16.0 MiB of JSON; 16 MiB is the most",
    );
  });

  it("is tried again when its own output schema refuses what it returned", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const output = schema<number>((n) => {
      if (n > 1) return n;
      throw new Error("too small");
    });
    const count = task({
      name: "count",
      output,
      retry: { attempts: 2, delay: 0 },
      run: async (_, ctx) => ctx.tries,
    });
    await startWorker({ store, workflows: [count], observe });
    const run = await submit(store, count);
    expect(await seen({ type: "reported", report: "retry" })).toMatchObject({ reason: "invalid-output" });
    await store.promoteDue(10);
    expect(await result(store, run, count)).toBe(2);
  });

  it("returns null where it returns nothing", async () => {
    const store = await openStore();
    const nothing = task({ name: "nothing", run: async () => {} });
    await startWorker({ store, workflows: [nothing] });
    expect(await result(store, await submit(store, nothing), nothing)).toBeNull();
  });
});

describe("an attempt whose time is over", () => {
  it("is reported at once, keeps its slot until its handler returns, and its late result is ignored", async () => {
    const store = await openStore();
    const late = gate<string>();
    const reasons: unknown[] = [];
    const deaf = task({
      name: "deaf",
      timeout: 5,
      retry: once,
      run: async (_, ctx) => {
        ctx.signal.addEventListener("abort", () => reasons.push(ctx.signal.reason));
        return late.promise;
      },
    });
    const quick = task({ name: "quick", run: async () => 1 });
    const { observe, seen, count } = recorder();
    const worker = await startWorker({ store, workflows: [deaf, quick], concurrency: 1, observe });
    const run = await submit(store, deaf);
    expect(await ended(store, run)).toBe("failed");
    expect(reasons[0]).toBeInstanceOf(AttemptAborted);
    expect(reasons[0]).toMatchObject({ reason: "timeout" });
    expect(worker.stats()).toMatchObject({ busy: 1, abandoned: 1, held: 0 });

    const next = await submit(store, quick);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(count({ type: "started", task: "quick" })).toBe(0);
    late.open("too late");
    await seen({ type: "returned", task: "deaf" });
    expect(await result(store, next, quick)).toBe(1);
    expect((await store.getStep(run, "deaf"))?.state).toBe("failed");
    expect(worker.stats()).toMatchObject({ busy: 0, abandoned: 0 });
  });

  it("may reject late without harm", async () => {
    const store = await openStore();
    const late = gate();
    const deaf = task({
      name: "deaf",
      timeout: 5,
      retry: once,
      run: () => late.promise.then(() => Promise.reject(new Error("late"))),
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [deaf], observe });
    const run = await submit(store, deaf);
    expect(await ended(store, run)).toBe("failed");
    late.open();
    await seen({ type: "returned", task: "deaf" });
    expect(failureOf(await store.getRun(run)).error.name).toBe("AttemptAborted");
  });

  it("is tried again as its retry policy says", async () => {
    const store = await openStore();
    const slowOnce = task({
      name: "slow-once",
      timeout: 5,
      retry: { attempts: 2, delay: 0 },
      run: async (_, ctx) => {
        if (ctx.tries === 2) return "in time";
        await new Promise((_, reject) =>
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)),
        );
        return "never";
      },
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [slowOnce], observe });
    const run = await submit(store, slowOnce);
    expect(await seen({ type: "reported", report: "retry" })).toMatchObject({ reason: "timeout" });
    await store.promoteDue(10);
    expect(await result(store, run, slowOnce)).toBe("in time");
  });

  it("counts as frozen when it gives no heartbeat for too long, and lives on while it does", async () => {
    const store = await openStore();
    const silence = gate();
    const frozen = task({
      name: "frozen",
      heartbeat: 400,
      retry: once,
      run: async (_, ctx) => {
        for (let i = 0; i < 6; i++) {
          ctx.heartbeat({ done: i, total: 6 });
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        await silence.promise;
      },
    });
    const { observe, seen } = recorder();
    const worker = await startWorker({ store, workflows: [frozen], leaseMs: 1_200, observe });
    const startedMs = performance.now();
    await submit(store, frozen);
    expect(await seen({ type: "reported" })).toMatchObject({ report: "failed", reason: "frozen" });
    expect(performance.now() - startedMs).toBeGreaterThan(900);
    expect(worker.stats().running[0]).toMatchObject({ abandoned: true, progress: { done: 5, total: 6 } });
    silence.open();
  });
});

describe("a blocked event loop", () => {
  it("does not make other attempts look frozen, whose heartbeats had to wait", async () => {
    const store = await openStore();
    let isOver = false;
    const beating = task({
      name: "beating",
      heartbeat: 1_000,
      retry: once,
      run: async (_, ctx) => {
        while (!isOver) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          // Once the loop is free again, this turn comes after that of the timers.
          await turns(1);
          ctx.heartbeat();
        }
        return "lives";
      },
    });
    const blocking = task({
      name: "blocking",
      run: async () => {
        const endMs = performance.now() + 1_700;
        while (performance.now() < endMs);
        isOver = true;
      },
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [beating, blocking], leaseMs: 3_000, observe });
    const run = await submit(store, beating);
    await seen({ type: "started", task: "beating" });
    await submit(store, blocking);
    expect(await result(store, run, beating)).toBe("lives");
  });
});

describe("what a task learns", () => {
  it("has run, step, attempt, tries, idempotency key, deps and log", async () => {
    const store = await openStore();
    const lines: unknown[] = [];
    const log = {
      debug: () => {},
      warn: () => {},
      error: () => {},
      info: (...line: unknown[]) => lines.push(line),
    };
    const contexts: Record<string, unknown>[] = [];
    const copies: object[] = [];
    const tell = task({
      name: "tell",
      input: schema<{ n: number }>(),
      retry: { attempts: 2, delay: 0 },
      run: async ({ n }, ctx) => {
        const { run, step, attempt, tries, idempotencyKey, deps } = ctx;
        contexts.push({ run, step, attempt, tries, idempotencyKey, deps });
        ctx.log.info("here", { n });
        const copy = { ...ctx, n };
        copies.push(copy);
        copy.log.info("copied");
        copy.heartbeat({ at: "copied" });
        expect(copy.signal).toBe(ctx.signal);
        expect("signal" in ctx && Object.keys(ctx)).toEqual(Object.keys(copy).filter((key) => key !== "n"));
        if (tries === 1) throw new Error("again");
        return copy.n;
      },
    });
    const each = dag("each", { input: schema<{ list: number[] }>() }, ({ list }) =>
      list.map((n) => tell({ n })),
    );
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [each], deps: { db: 1 }, log, observe });
    const run = await submit(store, each, { list: [4] });
    await seen({ type: "reported", report: "retry" });
    await store.promoteDue(10);
    expect(await result(store, run, each)).toEqual([4]);
    const same = { run, step: "tell[0]", idempotencyKey: `${run}:tell[0]`, deps: { db: 1 } };
    expect(contexts).toEqual([
      { ...same, attempt: 1, tries: 1 },
      { ...same, attempt: 2, tries: 2 },
    ]);
    expect(copies).toEqual(
      contexts.map((each) => ({
        ...each,
        ...{ n: 4, traceparent: undefined, signal: expect.any(AbortSignal), log: expect.any(Object) },
        ...{ heartbeat: expect.any(Function), throttled: expect.any(Function) },
      })),
    );
    expect(lines).toContainEqual(["here", { run, step: "tell[0]", attempt: 2, n: 4 }]);
    expect(lines).toContainEqual(["copied", { run, step: "tell[0]", attempt: 2 }]);
  });

  it("runs thousands of small steps in few exchanges", async () => {
    const store = await openStore();
    const noop = task({ name: "noop", run: async () => null });
    const { observe, seen } = recorder();
    await submitMany(store, noop, 1_000);
    const worker = await startWorker({ store, workflows: [noop], concurrency: 100, observe });
    await seen({ type: "reported", report: "succeeded" }, 1_000);
    expect(worker.stats().exchanges).toBeLessThan(20);
  });
});

function cyclic(): Error {
  const error = new Error("round");
  error.cause = error;
  return error;
}
