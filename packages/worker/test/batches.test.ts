import { type BatchContext, batchTask, Terminal, task, testContext } from "@jobbers/core";
import { until } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
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

const numbered = schema<{ n: number }>();

describe("a batch task", () => {
  it("takes the inputs of many steps in one call, and answers one for each", async () => {
    const store = await openStore();
    const sizes: number[] = [];
    const double = batchTask({
      name: "double",
      input: numbered,
      batch: { size: 100 },
      async run(inputs) {
        sizes.push(inputs.length);
        return inputs.map(({ n }) => n * 2);
      },
    });
    const runs: string[] = [];
    for (let n = 0; n < 500; n++) runs.push(await submit(store, double, { n }));
    await startWorker({ store, workflows: [double], concurrency: 1 });
    for (const [n, run] of runs.entries()) expect(await result(store, run, double)).toBe(n * 2);
    expect(Math.max(...sizes)).toBe(100);
    expect(sizes.length).toBeLessThan(10);
  });

  it("has what failed tried again, and the rest not", async () => {
    const store = await openStore();
    const calls: number[][] = [];
    const picky = batchTask({
      name: "picky",
      input: numbered,
      batch: { size: 10, wait: 5 },
      retry: { attempts: 3, delay: 0 },
      run: async (inputs, ctx: BatchContext) => {
        calls.push(inputs.map(({ n }) => n));
        return inputs.map(({ n }, i) => {
          if (n === 3) return new Terminal("never three");
          return n === 7 && ctx.items[i]?.tries === 1 ? new Error("not yet") : n;
        });
      },
    });
    const runs: string[] = [];
    for (let n = 0; n < 10; n++) runs.push(await submit(store, picky, { n }));
    await startWorker({ store, workflows: [picky], concurrency: 1 });
    await until(store, async () => {
      await store.promoteDue(10);
      return (await store.getRun(runs[7] as string))?.state === "succeeded";
    });
    for (const [n, run] of runs.entries())
      expect(await ended(store, run)).toBe(n === 3 ? "failed" : "succeeded");
    const times = (n: number) => calls.flat().filter((each) => each === n).length;
    expect(Array.from({ length: 10 }, (_, n) => times(n))).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 1, 1]);
    expect((await store.listAttempts(runs[7] as string, "picky")).map(({ error }) => error)).toMatchObject([
      expect.stringContaining("not yet"),
    ]);
  });

  it("fails whole when it throws, or answers the wrong number", async () => {
    const store = await openStore();
    const once = { retry: { attempts: 1 }, batch: { size: 3, wait: "1s" } } as const;
    const short = batchTask({ name: "short", ...once, run: async () => [1, 2] });
    const none = batchTask({ name: "none", ...once, run: async () => "all fine" as unknown as string[] });
    const broken = batchTask({
      name: "broken",
      ...once,
      async run(): Promise<number[]> {
        throw new Error("the service is away");
      },
    });
    await startWorker({ store, workflows: [short, none, broken], concurrency: 3 });
    for (const [workflow, message] of [
      [short, 'batch task \\"short\\" answered a list of 2 for 3 inputs'],
      [none, 'answered \\"all fine\\" for 3 inputs'],
      [broken, "the service is away"],
    ] as const) {
      for (const run of await submitMany(store, workflow, 3)) {
        expect(await ended(store, run)).toBe("failed");
        expect((await store.getStep(run, workflow.name))?.error).toContain(message);
      }
    }
  });

  it("parses each input and each answer by itself", async () => {
    const store = await openStore();
    const odd = schema<number>((n) => {
      if (n % 2 === 0) throw new Error("is even");
      return n;
    });
    const half = batchTask({
      name: "half",
      input: schema<{ n: number }>((value) => {
        if (typeof value.n !== "number") throw new Error("n is no number");
        return value;
      }),
      output: odd,
      batch: { size: 3, wait: "1s" },
      retry: { attempts: 1 },
      run: async (inputs) => inputs.map(({ n }) => n / 2),
    });
    const runs: string[] = [];
    for (const n of [2, "x", 4]) runs.push(await submit(store, half, { n }));
    await startWorker({ store, workflows: [half], concurrency: 1 });
    expect(await result(store, runs[0] as string, half)).toBe(1);
    expect(await ended(store, runs[1] as string)).toBe("failed");
    expect((await store.getStep(runs[1] as string, "half"))?.reason).toBe("invalid-input");
    expect(await ended(store, runs[2] as string)).toBe("failed");
    expect((await store.getStep(runs[2] as string, "half"))?.reason).toBe("invalid-output");
  });

  it("lets a cancelled step go while it gathers, and begins with the rest when the worker stops", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const seated: string[][] = [];
    const patient = batchTask({
      name: "patient",
      batch: { size: 10, wait: "1m" },
      run: async (inputs, ctx: BatchContext) => {
        seated.push(ctx.items.map(({ run }) => run));
        return inputs.map(() => "done");
      },
    });
    const [first, second] = (await submitMany(store, patient, 2)) as [string, string];
    const worker = await startWorker({ store, workflows: [patient], concurrency: 1, observe });
    await until(store, async () => (await store.getStep(second, "patient"))?.state === "running");
    await store.cancel(first);
    await seen({ type: "reported", report: "released" });
    expect(await ended(store, first)).toBe("cancelled");
    await worker.stop();
    expect(seated).toEqual([[second]]);
    expect(await result(store, second, patient)).toBe("done");
  });

  it("times each step out from when its call begins, and tells each by its own signal", async () => {
    const store = await openStore();
    const aborted: unknown[] = [];
    const release = gate();
    const slow = batchTask({
      name: "slow",
      batch: { size: 2, wait: "200ms" },
      timeout: "100ms",
      retry: { attempts: 1 },
      run: async (inputs, { items, signal }: BatchContext) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        aborted.push(...items.map((item) => (item.signal.reason as { reason: string }).reason));
        await release.promise;
        return inputs.map(() => null);
      },
    });
    const runs = await submitMany(store, slow, 2);
    const worker = await startWorker({ store, workflows: [slow], concurrency: 1 });
    for (const run of runs) expect(await ended(store, run)).toBe("failed");
    expect(aborted).toEqual(["timeout", "timeout"]);
    expect(worker.stats()).toMatchObject({ busy: 1, abandoned: 2 });
    release.open();
  });

  it("takes one slot a call, and leaves the others to other tasks", async () => {
    const store = await openStore();
    const hold = gate();
    const begun = gate();
    const many = batchTask({
      name: "many",
      batch: { size: 20, wait: "1m" },
      run: async (inputs) => {
        begun.open();
        await hold.promise;
        return inputs.map(() => null);
      },
    });
    const other = task({ name: "other", run: async () => "other" });
    const held = await submitMany(store, many, 20);
    const worker = await startWorker({ store, workflows: [many, other], concurrency: 2 });
    await begun.promise;
    for (const run of await submitMany(store, other, 50))
      expect(await result(store, run, other)).toBe("other");
    expect(worker.stats().busy).toBe(1);
    hold.open();
    for (const run of held) expect(await ended(store, run)).toBe("succeeded");
  });

  it("can be run by itself in a test, with one input or with many", async () => {
    const double = batchTask({
      name: "double",
      input: numbered,
      batch: { size: 10 },
      run: async (inputs) => inputs.map(({ n }) => (n < 0 ? new RangeError("below zero") : n * 2)),
    });
    expect(await double.run({ n: 2 }, testContext())).toBe(4);
    await expect(double.run({ n: -1 }, testContext())).rejects.toThrow("below zero");
  });
});

describe("a batch policy", () => {
  it.each([
    [{ size: 1 }, 'task "t": batch.size is 1; it takes a whole number from 2 to 1000'],
    [{ size: 2.5 }, "batch.size is 2.5"],
    [{ size: 10, wait: "2m" }, 'batch.wait is "2m"; it is at most a minute'],
    [{ size: 10, wait: -1 }, "cannot be negative"],
    [{ size: 10, most: 3 }, '"most" is no option; there are size, wait'],
    [[], "its options are"],
    [undefined, "batch is missing"],
  ])("refuses %j", (batch, message) => {
    expect(() => batchTask({ name: "t", batch: batch as never, run: async () => [] })).toThrow(message);
  });
});
