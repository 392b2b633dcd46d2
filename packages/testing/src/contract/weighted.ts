import type { Grant, Plan } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { submissionOf } from "../factories.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { pass } from "./limited.js";

const ME = "ada";
const WEIGHTED = { priority: "weighted" } as const;

/** Fills a queue: so many runs of each priority. */
async function fill({ store }: Bench, counts: Readonly<Record<number, number>>, plan: Plan = single()) {
  const all = Object.entries(counts).flatMap(([priority, n]) =>
    Array.from({ length: n }, () => submissionOf(plan, null, { priority: Number(priority) })),
  );
  await store.submit(all);
}

/** Takes steps, so many in each exchange. */
async function takeAll(worker: Driver, slots: readonly number[], queues = ["default"]): Promise<Grant[]> {
  const taken: Grant[] = [];
  for (const each of slots) taken.push(...(await worker.exchange([], { slots: each, queues })).grants);
  return taken;
}

const ones = (n: number): number[] => Array.from({ length: n }, () => 1);

/** How many steps of each priority. */
function byPriority(grants: readonly Grant[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { priority } of grants) counts[priority] = (counts[priority] ?? 0) + 1;
  return counts;
}

/** What each got, within a tenth and one step. */
function expectShares(grants: readonly Grant[], shares: Readonly<Record<number, number>>): void {
  const counts = byPriority(grants);
  const sum = Object.values(shares).reduce((all, each) => all + each, 0);
  for (const [priority, share] of Object.entries(shares)) {
    const due = (grants.length * share) / sum;
    expect(Math.abs((counts[Number(priority)] ?? 0) - due)).toBeLessThanOrEqual(Math.max(1, due / 10));
  }
}

export function weighted(test: BenchTest): void {
  test("each priority of a weighted queue has twice as much as the next lower one, by the hundred and one at a time", async (bench) => {
    await bench.store.declareQueues([{ name: "default", ...WEIGHTED }]);
    await fill(bench, { 8: 220, 7: 110, 5: 40 });
    const worker = await bench.driver(single());
    const shares = { 8: 8, 7: 4, 5: 1 };
    expectShares(await takeAll(worker, [100, 100]), shares);
    expectShares(await takeAll(worker, ones(52)), shares);
    // One at a time and all at once, mixed as they come.
    expectShares(await takeAll(worker, [7, 1, 19, 1, 1, 23]), shares);
    // What a priority leaves is for the others.
    expect(byPriority(await takeAll(worker, [200]))).toMatchObject({ 5: expect.any(Number) });
  });

  test("nothing starves in a weighted queue, and what was empty has saved nothing up", async (bench) => {
    const { store } = bench;
    await store.setQueue("default", WEIGHTED, ME);
    await fill(bench, { 4: 90 });
    const worker = await bench.driver(single());
    expect(byPriority(await takeAll(worker, [20]))).toEqual({ 4: 20 });
    await fill(bench, { 0: 4 });
    const taken = await takeAll(worker, ones(34));
    expect(byPriority(taken)).toEqual({ 4: 32, 0: 2 });
    // Not both at once, either.
    const [first, second] = taken.flatMap(({ priority }, i) => (priority === 0 ? [i] : []));
    expect((second as number) - (first as number)).toBe(17);
  });

  test("a strict queue may starve a priority, and a switch holds with the next exchange", async (bench) => {
    const { store } = bench;
    await fill(bench, { 3: 80, 2: 40 });
    const worker = await bench.driver(single());
    expect(byPriority(await takeAll(worker, [5, ...ones(5)]))).toEqual({ 3: 10 });
    await store.setQueue("default", WEIGHTED, ME);
    expect(byPriority(await takeAll(worker, [9, 1, 1, 1]))).toEqual({ 3: 8, 2: 4 });
    await store.setQueue("default", { priority: "strict" }, ME);
    expect(byPriority(await takeAll(worker, [6]))).toEqual({ 3: 6 });
    expect(await store.setQueue("default", { priority: "default" }, ME)).toMatchObject({ edit: {} });
    expect(byPriority(await takeAll(worker, [6]))).toEqual({ 3: 6 });
    await store.setQueue("default", { ...WEIGHTED, paused: true }, ME);
    expect(await takeAll(worker, [6])).toEqual([]);
    await store.setQueue("default", { paused: false }, ME);
    expect(byPriority(await takeAll(worker, ones(2)))).toEqual({ 3: 1, 2: 1 });
    // Who is ahead by how much is forgotten where it was strict in between.
    await store.setQueue("default", { priority: "strict" }, ME);
    await store.setQueue("default", WEIGHTED, ME);
    expect(byPriority(await takeAll(worker, ones(2)))).toEqual({ 3: 1, 2: 1 });
  });

  test("a priority that a limit holds back costs no turn, and neither does one that the session cannot serve", async (bench) => {
    const { store } = bench;
    const [held, other] = [single(), single({ task: "b" })];
    await store.setQueue("default", WEIGHTED, ME);
    await store.setLimit("a/concurrency", { concurrency: 2 });
    await fill(bench, { 6: 30 }, held);
    await fill(bench, { 5: 40, 4: 40 }, other);
    const worker = await bench.driver([held, other], { leaseMs: 1e12 });
    const first = await takeAll(worker, [14]);
    expect(byPriority(first)).toEqual({ 6: 2, 5: 8, 4: 4 });
    expect(byPriority(await takeAll(worker, ones(6)))).toEqual({ 5: 4, 4: 2 });
    // With room again it has its part as ever, and nothing to make up for.
    await store.setLimit("a/concurrency", { concurrency: 30 });
    await pass(bench, 0);
    expectShares(await takeAll(worker, [7, 7, ...ones(14)]), { 6: 4, 5: 2, 4: 1 });
    const without = await bench.driver(other, { leaseMs: 1e12 });
    expect(byPriority(await takeAll(without, [...ones(3), 3]))).toEqual({ 5: 4, 4: 2 });
  });

  test("of several queues, weighted ones have their part each, the others together, whatever the slots", async (bench) => {
    const { store } = bench;
    const names = ["w1", "s1", "w2", "s2"];
    const plans = names.map((queue) => single({ queue, task: queue }));
    for (const queue of ["w1", "w2"]) await store.setQueue(queue, WEIGHTED, ME);
    for (const plan of plans) await fill(bench, { 2: 20, 1: 20 }, plan);
    const worker = await bench.driver(plans);
    const byQueue = (grants: readonly Grant[]) => {
      const of = (name: string) => grants.filter(({ needs }) => needs === name);
      return [of("w1"), of("w2"), [...of("s1"), ...of("s2")]].map(byPriority);
    };
    const even = [{ 2: 6, 1: 3 }, { 2: 6, 1: 3 }, { 2: 9 }];
    expect(byQueue(await takeAll(worker, ones(27), names))).toEqual(even);
    expect(byQueue(await takeAll(worker, [9, 9, 9], names))).toEqual(even);
    // What one leaves is for the others.
    await store.setQueue("w1", { paused: true }, ME);
    await store.setQueue("s1", { paused: true }, ME);
    await store.setQueue("s2", { paused: true }, ME);
    expect(byQueue(await takeAll(worker, [9], names))).toEqual([{}, { 2: 6, 1: 3 }, {}]);
  });

  test("the weights of a role decide between queues, and a weighted queue shares its part", async (bench) => {
    const { store, faulty } = bench;
    const plans = ["one", "two"].map((queue) => single({ queue, task: queue }));
    await store.setQueue("one", WEIGHTED, ME);
    for (const plan of plans) await fill(bench, { 2: 20, 1: 20 }, plan);
    const worker = await bench.driver(plans);
    const want = { queues: ["one", "two"], weights: [3, 1] };
    const { grants, taken } = await worker.exchange([], { slots: 12, ...want });
    if (!faulty) expect(taken).toEqual([9, 3]);
    expect(byPriority(grants.filter(({ needs }) => needs === "one"))).toEqual({ 2: 6, 1: 3 });
    expect(byPriority(grants.filter(({ needs }) => needs === "two"))).toEqual({ 2: 3 });
  });
}
