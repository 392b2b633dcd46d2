import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { planOf, taskStep } from "../plans.js";
import { chain, conditional, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

const runsOf = (grants: readonly Grant[]) => grants.map(({ lease }) => lease.run);

export function lines(test: BenchTest): void {
  test("lines are first in, first out", async ({ submit, driver }) => {
    const runs = [];
    for (let n = 0; n < 6; n++) runs.push(await submit(single(), n));
    const worker = await driver(single());
    expect(runsOf(await worker.take(4))).toEqual(runs.slice(0, 4));
    expect(runsOf(await worker.take(4))).toEqual(runs.slice(4));
  });

  test("what is given back is the last of its line or, where that is said, the first", async ({
    store,
    submit,
    driver,
  }) => {
    const one = single({ queue: "one" });
    const other = single({ queue: "other" });
    const runs: string[] = [];
    for (let n = 0; n < 6; n++) runs.push(await submit(n % 2 === 0 ? one : other, n));
    const worker = await driver([one, other]);
    const [a, b, c] = (await worker.take(3)) as [Grant, Grant, Grant];
    const back = (grant: Grant, first: boolean) => ({ type: "released" as const, lease: grant.lease, first });
    expect((await worker.exchange([back(a, false)])).results).toEqual(["accepted"]);
    expect((await worker.exchange([back(c, true), back(b, true)])).results).toEqual(["accepted", "accepted"]);
    expect(await store.whereIs(runs[1] as string, "a")).toMatchObject({
      step: { line: { before: 0, depth: 3 } },
    });
    const grants = await worker.take(6);
    expect(runsOf(grants)).toEqual([1, 2, 3, 4, 5, 0].map((n) => runs[n]));
    expect(grants.map(({ tries, lost, lease }) => [tries, lost, lease.fence])).toEqual(
      [2, 2, 1, 1, 1, 2].map((fence) => [0, 0, fence]),
    );
  });

  test("what goes first keeps its order on its way to those who serve it", async ({ submit, driver }) => {
    const other = planOf("other", [taskStep("x")]);
    const plans = [single(), single(), single(), other, single()];
    const runs: string[] = [];
    for (const plan of plans) runs.push(await submit(plan, runs.length));
    const both = await driver([single(), other]);
    const grants = await both.take(5);
    const back = grants.map(({ lease }) => ({ type: "released" as const, lease, first: true }));
    expect((await both.exchange(back.reverse())).results).toEqual(back.map(() => "accepted"));
    // What this one cannot run it moves, in two calls.
    const narrow = await driver(other);
    expect(runsOf(await narrow.take(1))).toEqual([runs[3]]);
    expect(await narrow.take(1)).toEqual([]);
    const late = await submit(single(), "late");
    const able = await driver(single());
    expect(runsOf(await able.take(5))).toEqual([...[0, 1, 2, 4].map((n) => runs[n]), late]);
  });

  test("a higher priority goes first, whatever came before", async ({ submit, driver }) => {
    const low = await submit(single(), 1, { priority: 1 });
    const high = await submit(single(), 2, { priority: 9 });
    const middle = await submit(single(), 3, { priority: 5 });
    const worker = await driver(single(), { slots: 1 });
    expect([...runsOf(await worker.take(1)), ...runsOf(await worker.take(2))]).toEqual([high, middle, low]);
  });

  test("a step's own priority goes before its run's", async ({ submit, driver }) => {
    const plan = planOf("own", [taskStep("a"), taskStep("b", { priority: 8 })]);
    await submit(plan, null, { priority: 2 });
    const grants = await (await driver(plan)).take(2);
    expect(grants.map(({ lease, priority }) => [lease.address, priority])).toEqual([
      ["b", 8],
      ["a", 2],
    ]);
  });

  test("a 1:1 successor is handed straight back to who reports its parent", async ({ submit, driver }) => {
    const run = await submit(chain(3));
    for (let n = 0; n < 3; n++) await submit(single(), n);
    const worker = await driver([chain(3), single()]);
    const [s1] = (await worker.take()) as [Grant];
    const { grants } = await worker.exchange([await worker.success(s1, "one")], { slots: 1, inline: true });
    expect(grants).toMatchObject([{ lease: { run, address: "s2", fence: 1 }, values: { s1: '"one"' } }]);
  });

  test("the record of a step that was handed straight on says so until it stands in a line", async ({
    store,
    submit,
    driver,
  }) => {
    for (const name of ["packed", "not packed"]) {
      const run = await submit(chain(3));
      const worker = await driver(chain(3));
      const [s1] = (await worker.take()) as [Grant];
      // A retry has its run stand in rows of its own where a store packs others.
      if (name !== "packed") {
        await worker.retry(s1);
        await store.promoteDue(10);
      }
      const [again] = name === "packed" ? [s1] : await worker.take();
      const wants = { slots: 1, inline: true };
      const [s2] = (await worker.exchange([await worker.success(again as Grant)], wants)).grants as [Grant];
      expect(s2.lease.address).toBe("s2");
      expect((await store.getStep(run, "s1"))?.inlined).toBeUndefined();
      const record = await store.getStep(run, "s2");
      expect([record?.inlined, record?.readyAtMs, record?.startedAtMs]).toEqual([
        true,
        undefined,
        expect.any(Number),
      ]);
      const [s3] = (await worker.exchange([await worker.success(s2)], wants)).grants as [Grant];
      expect(await store.getStep(run, "s2")).toMatchObject({ inlined: true, state: "succeeded" });
      await worker.exchange([{ type: "released", lease: s3.lease, first: true }]);
      const back = await store.getStep(run, "s3");
      expect([back?.inlined, back?.readyAtMs]).toEqual([undefined, expect.any(Number)]);
      await worker.succeed((await worker.take())[0] as Grant);
      expect((await store.getStep(run, "s3"))?.inlined).toBeUndefined();
      expect(await store.getStep(run, "s2")).toMatchObject({ inlined: true, state: "succeeded" });
    }
  });

  test("a 1:1 successor queues like any other where the report says that it hops", async (bench) => {
    const { store, submit, driver } = bench;
    for (const settle of ["success", "failure"] as const) {
      const saved = planOf("saved", [
        taskStep("a"),
        taskStep("rescue", { after: ["a"], trigger: "one_failed" }),
      ]);
      const plan = settle === "success" ? chain(2) : saved;
      const run = await submit(plan);
      const worker = await driver(plan);
      const [first] = (await worker.take()) as [Grant];
      const report = await worker[settle](first);
      if (!("follow" in report)) throw new Error("nothing follows");
      const [next] = report.follow.successors.items;
      const hopping = { ...report, follow: { ...report.follow, hop: true } };
      const { grants } = await worker.exchange([hopping], { slots: 1, inline: true });
      expect(grants.map(({ lease }) => lease.address)).toEqual([next?.address]);
      const record = await store.getStep(run, next?.address as string);
      expect([record?.inlined, record?.readyAtMs]).toEqual([undefined, bench.clock.now()]);
    }
  });

  test("a 1:1 successor queues like any other where inlining is off", async ({ submit, driver }) => {
    await submit(chain(2));
    const other = await submit(single());
    const worker = await driver([chain(2), single()]);
    const [s1] = (await worker.take()) as [Grant];
    const { grants } = await worker.exchange([await worker.success(s1)], { slots: 1, inline: false });
    expect(runsOf(grants)).toEqual([other]);
  });

  test("a 1:1 successor is not handed to who lacks its task, its queue, or a slot", async ({
    submit,
    driver,
  }) => {
    const plan = planOf("aside", [taskStep("a"), taskStep("b", { after: ["a"], queue: "side" })]);
    const cases = [
      { options: { serves: ["a"] }, wants: { slots: 1 } },
      { options: {}, wants: { slots: 1, queues: ["default"] } },
      { options: {}, wants: { slots: 0 } },
    ];
    for (const { options, wants } of cases) {
      await submit(plan);
      const worker = await driver(plan, options);
      const {
        grants: [a],
      } = await worker.exchange([], { slots: 1, queues: ["default"] });
      const { grants } = await worker.exchange([await worker.success(a as Grant)], {
        ...wants,
        inline: true,
      });
      expect(grants).toEqual([]);
      expect((await (await driver(plan)).take()).map(({ lease }) => lease.address)).toEqual(["b"]);
    }
  });

  test("control work comes before all steps", async ({ submit, driver }) => {
    await submit(single());
    await submit(conditional(), { flag: true });
    const worker = await driver([single(), conditional()]);
    await worker.succeed((await worker.take(2))[1] as Grant);
    await submit(single(), 2, { priority: 9 });
    const { grants } = await worker.exchange([], { slots: 5, control: 5 });
    expect(grants.map(({ phase }) => phase)).toEqual(["admit", "run"]);
  });

  test("each queue has its depth and its running steps counted", async ({ store, submit, driver }) => {
    const plans = [single({ queue: "q1" }), single({ queue: "q2" })];
    for (const plan of plans) for (let n = 0; n < 3; n++) await submit(plan, n);
    const worker = await driver(plans);
    const { grants } = await worker.exchange([], { slots: 2, queues: ["q1"] });
    const find = async (name: string) => (await store.listQueues()).find((queue) => queue.name === name);
    expect(await find("q1")).toEqual({ name: "q1", ready: 1, running: 2 });
    expect(await find("q2")).toEqual({ name: "q2", ready: 3, running: 0 });
    await worker.succeed(grants[0] as Grant);
    expect(await find("q1")).toEqual({ name: "q1", ready: 1, running: 1 });
  });

  test("entries that no longer match their record are dropped, many of them too", async ({
    store,
    submit,
    driver,
  }) => {
    for (let n = 0; n < 600; n++) await store.cancel(await submit(single(), n));
    const last = await submit(single(), "last");
    const worker = await driver(single());
    expect(runsOf(await worker.take(1))).toEqual([last]);
  });
}
