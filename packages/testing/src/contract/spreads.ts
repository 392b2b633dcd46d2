import {
  type Grant,
  indexPlan,
  type Plan,
  type QueueShare,
  readShares,
  rerunOf,
  valueKey,
} from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { begin, work } from "./retry-work.js";

const queues = ["left", "right"];
const spread = { by: "round-robin", queues };

/** A map over `input.list` whose instances are laid over two queues in turn. */
const flat = (): Plan =>
  planOf("flat", [
    { ...mapStep("item[]", fromInput("list")), spread },
    taskStep("item", { in: "item[]", queue: "own", input: wire(fromItem("item[]")) }),
  ]);

/** The same with a body of several steps, some of them in a dag and a map of their own. */
const deep = (): Plan =>
  planOf("deep", [
    { ...mapStep("a[]", fromInput("list")), spread },
    taskStep("a", { in: "a[]", queue: "own" }),
    { ...taskStep("kept", { in: "a[]", after: ["a"], queue: "own" }), keepsQueue: true },
    taskStep("b", { in: "a[]", after: ["kept"], queue: "own" }),
    dagStep("site", { in: "a[]", after: ["b"] }),
    taskStep("site/page", { in: "site", queue: "own" }),
    mapStep("cell[]", fromItem("a[]"), { in: "a[]", after: ["site"] }),
    taskStep("cell", { in: "cell[]", queue: "own" }),
    taskStep("c", { in: "a[]", after: ["cell[]"], queue: "own" }),
  ]);

async function sharesOf({ store }: Bench, run: string, map: string): Promise<QueueShare[]> {
  const key = valueKey.spread(map);
  const text = (await store.readValues(run, [key]))[key];
  return text ? readShares(text).sort((one, two) => (one.queue < two.queue ? -1 : 1)) : [];
}

const queueOf = async ({ store }: Bench, run: string, step: string) =>
  (await store.getStep(run, step))?.queue ?? "none";

export function spreads(test: BenchTest): void {
  test("children stand in the queues that were chosen, and are counted once", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(flat(), { list: [1, 2, 3, 4, 5, 6, 7] });
    const worker = await driver(flat(), { pageLimit: 3 });
    const [grant] = (await worker.takeControl(1)) as [Grant];
    const page = (from: number) => worker.work.expandPage(grant, worker.session.id, from);
    expect(await page(0)).toBe(3);
    const before = await Promise.all([0, 1, 2].map((i) => queueOf(bench, run, `item[${i}]`)));
    expect(await page(0)).toBe(3);
    expect(await page(2)).toBe(5);
    expect(await page(5)).toBeUndefined();
    const stood = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((i) => queueOf(bench, run, `item[${i}]`)));
    expect(stood.slice(0, 3)).toEqual(before);
    const [first, second] = stood as [string, string];
    expect([first, second].sort()).toEqual(queues);
    expect(stood).toEqual([first, second, first, second, first, second, first]);
    const counts = (await sharesOf(bench, run, "item[]")).map(({ queue, count }) => [queue, count]);
    expect(Object.fromEntries(counts)).toEqual({ [first]: 4, [second]: 3 });
    const { grants } = await worker.exchange([], { slots: 10, queues: [second] });
    expect(grants.map(({ lease }) => lease.address)).toEqual(["item[1]", "item[3]", "item[5]"]);
    expect(grants.map(({ laid }) => laid)).toEqual([second, second, second]);
    expect((await store.listQueues()).find(({ name }) => name === first)?.ready).toBe(4);
  });

  test("what follows in an instance stands in its queue, but for what names its own", async (bench) => {
    const { submit, driver, runState } = bench;
    const list = [[1, 2], [], [3]];
    const run = await submit(deep(), { list });
    const worker = await driver(deep());
    await worker.finish();
    expect(await runState(run)).toBe("succeeded");
    for (const [i, cells] of list.entries()) {
      const queue = await queueOf(bench, run, `a[${i}]`);
      expect(queues).toContain(queue);
      const inner = cells.map((_, at) => `cell[${i}][${at}]`);
      for (const step of [`b[${i}]`, `site[${i}]/page`, `c[${i}]`, ...inner])
        expect([step, await queueOf(bench, run, step)]).toEqual([step, queue]);
      expect(await queueOf(bench, run, `kept[${i}]`)).toBe("own");
    }
    expect(await sharesOf(bench, run, "cell[0][]")).toEqual([]);
    const counts = (await sharesOf(bench, run, "a[]")).map(({ count, waits }) => [count, waits]);
    // The step a of each instance; what was handed straight on stood in no line, and what stands in bodies or queues of its own does not count.
    expect(counts.map(([count = 0, waits = 0]) => waits / count)).toEqual([1, 1]);
  });

  test("a step that is retried, and one with another input, stay in the queue of their instance", async (bench) => {
    const { store, submit, driver, clock } = bench;
    const run = await submit(deep(), { list: [[]] });
    const worker = await driver(deep());
    const [a] = (await worker.take(1)) as [Grant];
    await worker.retry(a, 10);
    clock.advance(10);
    await store.promoteDue(10);
    const [again] = (await worker.take(1)) as [Grant];
    expect(again).toMatchObject({ laid: a.laid, tries: 1 });
    await worker.fail(again);
    await worker.finish();
    expect(await store.retry(run, { only: { step: "a[0]" }, input: '"edited"' })).toEqual({
      status: "retried",
    });
    const [edited] = (await worker.take(1)) as [Grant];
    expect(edited).toMatchObject({ laid: a.laid, edited: true });
    await worker.succeed(edited);
    await worker.finish();
    expect(await queueOf(bench, run, "a[0]")).toBe(a.laid);
    expect(await queueOf(bench, run, "c[0]")).toBe(a.laid);
  });

  test("how long steps waited is counted by queue when they have ended", async (bench) => {
    const { submit, driver, clock } = bench;
    const run = await submit(flat(), { list: [1, 2, 3, 4] });
    const worker = await driver(flat());
    const [map] = (await worker.takeControl(1)) as [Grant];
    await worker.control(map);
    const first = await queueOf(bench, run, "item[0]");
    const second = await queueOf(bench, run, "item[1]");
    const takeFrom = async (queue: string, slots: number) =>
      (await worker.exchange([], { slots, queues: [queue] })).grants;
    clock.advance(100);
    const early = await takeFrom(first, 1);
    clock.advance(50);
    const late = [...(await takeFrom(first, 1)), ...(await takeFrom(second, 2))];
    clock.advance(1_000);
    for (const grant of [...early, ...late]) await worker.succeed(grant);
    const shares = Object.fromEntries(
      (await sharesOf(bench, run, "item[]")).map((each) => [each.queue, each]),
    );
    expect(shares[first]).toMatchObject({ count: 2, waits: 2, waitedMs: 250, longestWaitMs: 150 });
    expect(shares[second]).toMatchObject({ count: 2, waits: 2, waitedMs: 300, longestWaitMs: 150 });
  });

  test("how long steps waited is counted in the instance of their map in which they stand", async (bench) => {
    const plan = planOf("nested", [
      mapStep("row[]", fromInput("list")),
      {
        ...mapStep("cell[]", fromItem("row[]"), { in: "row[]" }),
        spread: { by: "round-robin", queues: ["only"] },
      },
      taskStep("cell", { in: "cell[]", queue: "own" }),
    ]);
    const run = await bench.submit(plan, { list: [[1, 2], [3]] });
    const worker = await bench.driver(plan, { queues: ["only"] });
    const grants = await worker.take(10);
    expect(grants).toHaveLength(3);
    await worker.exchange(await Promise.all(grants.map((grant) => worker.success(grant))));
    const waits = ["cell[0][]", "cell[1][]"].map(async (map) => (await sharesOf(bench, run, map))[0]?.waits);
    expect(await Promise.all(waits)).toEqual([2, 1]);
  });

  test("a map that runs again is laid over its queues anew, and counted from the beginning", async (bench) => {
    const { run } = await begin(bench, deep(), {}, { input: { list: [[1], [2], [3]] } });
    const index = indexPlan(deep());
    const before = await sharesOf(bench, run, "a[]");
    const { fence = 0 } = (await bench.store.getStep(run, "a[]")) ?? {};
    await bench.store.retry(run, { only: { rerun: rerunOf(index, index.step("a[]"), fence) } });
    expect(await sharesOf(bench, run, "a[]")).toEqual([]);
    await work(bench, deep());
    expect(await sharesOf(bench, run, "a[]")).toEqual(before);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map that failed on the way is laid out once more by a retry, and counts nothing twice", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const run = await submit(flat(), { list: [1, 2, 3, 4, 5] });
    const worker = await driver(flat(), { pageLimit: 2 });
    const [map] = (await worker.takeControl(1)) as [Grant];
    expect(await worker.work.expandPage(map, worker.session.id, 0)).toBe(2);
    const before = await Promise.all([0, 1].map((i) => queueOf(bench, run, `item[${i}]`)));
    await worker.fail(map);
    await worker.finish();
    expect(await runState(run)).toBe("failed");
    expect(await store.retry(run)).toMatchObject({ status: "retried" });
    await worker.finish();
    expect(await runState(run)).toBe("succeeded");
    expect(await Promise.all([0, 1].map((i) => queueOf(bench, run, `item[${i}]`)))).toEqual(before);
    expect((await sharesOf(bench, run, "item[]")).map(({ count }) => count).sort()).toEqual([2, 3]);
  });

  test("many queues are counted page by page", async (bench) => {
    const { submit, driver } = bench;
    const names = Array.from({ length: 64 }, (_, i) => `q${i}`);
    const steps = flat().steps.map((step) =>
      step.kind === "map" ? { ...step, spread: { ...spread, queues: names } } : step,
    );
    const plan: Plan = { ...flat(), steps };
    const run = await submit(plan, { list: Array.from({ length: 70 }, (_, i) => i) });
    const worker = await driver(plan, { pageLimit: 1 });
    const [map] = (await worker.takeControl(1)) as [Grant];
    await worker.control(map);
    const counts = (await sharesOf(bench, run, "item[]")).map(({ count }) => count).sort();
    expect(counts).toEqual([...Array.from({ length: 58 }, () => 1), ...Array.from({ length: 6 }, () => 2)]);
  });

  test("a step that was never started waited for nothing that counts", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(flat(), { list: [1, 2] });
    const worker = await driver(flat());
    const [one] = (await worker.take(1)) as [Grant];
    await worker.fail(one);
    await worker.finish();
    expect((await store.getRun(run))?.state).toBe("failed");
    const waits = (await sharesOf(bench, run, "item[]")).map(({ waits }) => waits);
    expect(waits.sort()).toEqual([0, 1]);
  });

  test("the map that needs its dag's code goes to who has it", async (bench) => {
    const { submit, driver } = bench;
    const coded: Plan = {
      ...flat(),
      name: "coded",
      steps: flat().steps.map((step) =>
        step.kind === "map" ? { ...step, spread: { by: "hash", queues, code: true as const } } : step,
      ),
    };
    await submit(coded, { list: [1] });
    const without = await driver(coded, { serves: ["item"] });
    expect(await without.takeControl(10)).toEqual([]);
    const having = await driver(coded, { serves: ["item", "dag:coded"] });
    expect(await having.takeControl(10)).toMatchObject([{ phase: "expand", needs: "dag:coded" }]);
  });
}
