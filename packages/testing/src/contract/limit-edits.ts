import type { LimitEdit } from "@jobbers/core";
import { expect } from "vitest";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { declared, limited, pass, rate, slots, submitMany } from "./limited.js";

export function limitEdits(test: BenchTest): void {
  for (const [what, name] of [
    ["a queue", "@default/rate"],
    ["a task", "a/rate"],
    ["a task in a queue", "a@default/rate"],
  ] as const) {
    test(`an edit limits ${what} that no code limits, and lets it go again`, async (bench) => {
      const worker = await limited(bench, []);
      await submitMany(bench, 6);
      expect(await worker.take(2)).toHaveLength(2);
      expect(await bench.store.setLimit(name, rate(10) as LimitEdit)).toMatchObject({ status: "edited" });
      expect(await worker.take(4)).toHaveLength(1);
      expect(await worker.take(4)).toEqual([]);
      await bench.store.setLimit(name, "default");
      await pass(bench, 0);
      expect(await worker.take(4)).toHaveLength(3);
      expect(await bench.store.listLimits()).toEqual([]);
    });
  }

  test("a queue's limit is no other queue's", async (bench) => {
    const worker = await limited(bench, [], { queues: ["default", "side"] });
    await bench.store.setLimit("@default/concurrency", { concurrency: 1 });
    await submitMany(bench, 2);
    await bench.submit(single({ queue: "side" }), 1);
    await bench.submit(single({ queue: "side" }), 2);
    const queues = await worker.take(5);
    expect(queues).toHaveLength(3);
  });

  test("code gives the limits of a queue, and of a task in it; they go with their last declaration", async (bench) => {
    const { store } = bench;
    const other = single({ task: "b" });
    const worker = await bench.driver([single(), other], { leaseMs: 1e12 });
    await submitMany(bench, 3);
    const queue = { limits: [declared("@default/concurrency", slots(2))] };
    const task = { task: "a", limits: [declared("a@default/concurrency", slots(1))] };
    await store.declareQueues([{ name: "default", limits: [queue, task] }]);
    await store.declareQueues([{ name: "default", limits: [queue, task] }, { name: "t" }]);
    // What waits already is held back as well.
    expect(await worker.take(5)).toHaveLength(1);
    for (let n = 0; n < 3; n++) await bench.submit(other, n);
    expect(await worker.take(5)).toHaveLength(1);
    await store.setLimit("@default/concurrency", { concurrency: 3 });
    expect(await store.listLimits()).toEqual([
      { name: "@default/concurrency", default: slots(2), edit: slots(3), isKeyed: false },
      { name: "a@default/concurrency", default: slots(1), isKeyed: false },
    ]);
    await pass(bench, 0);
    expect(await worker.take(5)).toHaveLength(1);
    // Newer code says nothing of the task, and gives the queue another default; then it says nothing of that either, and the edit stays.
    await store.declareQueues([
      { name: "default", limits: [{ limits: [declared("@default/concurrency", slots(9))] }] },
    ]);
    await pass(bench, 0);
    expect(await worker.take(5)).toEqual([]);
    expect(await store.listLimits()).toMatchObject([{ default: slots(9), edit: slots(3) }]);
    await store.declareQueues([{ name: "default" }]);
    expect(await store.listLimits()).toEqual([
      { name: "@default/concurrency", edit: slots(3), isKeyed: false },
    ]);
    expect(await worker.take(5)).toEqual([]);
    await store.setLimit("@default/concurrency", "default");
    await pass(bench, 0);
    expect(await store.listLimits()).toEqual([]);
    expect(await worker.take(5)).toHaveLength(3);
  });

  test("an edit goes before the code, at once, and is seen", async (bench) => {
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    await submitMany(bench, 6);
    await worker.take(6);
    await bench.store.setLimit("a/concurrency", { concurrency: 3 });
    await pass(bench, 0);
    expect(await worker.take(6)).toHaveLength(2);
    // A worker of the same version starts: the edit stays.
    await limited(bench, [declared("a/concurrency", slots(1))]);
    expect(await bench.store.listLimits()).toEqual([
      { name: "a/concurrency", default: slots(1), edit: slots(3), isKeyed: false },
    ]);
    await bench.store.setLimit("a/concurrency", "off");
    await pass(bench, 0);
    expect(await worker.take(1)).toHaveLength(1);
    await bench.store.setLimit("a/concurrency", "default");
    expect(await worker.take(6)).toEqual([]);
    expect(await bench.store.readLimit("a/concurrency", "")).toMatchObject({ used: 4 });
  });

  test("newer code gives the default", async (bench) => {
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    await submitMany(bench, 4);
    expect(await worker.take(4)).toHaveLength(1);
    await limited(bench, [declared("a/concurrency", slots(2))]);
    await pass(bench, 0);
    expect(await worker.take(4)).toHaveLength(1);
    await limited(bench, []);
    await pass(bench, 0);
    expect(await worker.take(4)).toHaveLength(2);
    expect(await bench.store.listLimits()).toEqual([]);
  });

  test("edits that make no sense are refused", async ({ store }) => {
    expect(await store.setLimit("stripe", { concurrency: 1 })).toEqual({ status: "unknown" });
    expect(await store.setLimit("a/rate", { concurrency: 1 })).toEqual({ status: "misfit" });
    for (const edit of [
      { concurrency: 0 },
      { concurrency: -1 },
      { rate: 1, perMs: 0, burst: 1 },
      { rate: 0, perMs: 1, burst: 1 },
    ])
      await expect(store.setLimit("a/rate", edit)).rejects.toThrow(
        /limit "a\/rate": (concurrency|rate|per) is/,
      );
  });
}
