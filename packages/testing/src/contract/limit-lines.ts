import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import { chain, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { declared, limited, pass, rate, runsOf, SECOND, slots, sole, submitMany, use } from "./limited.js";

export function limitLines(test: BenchTest): void {
  test("whoever is not limited goes on past those who are", async (bench) => {
    const plan = planOf("free", [taskStep("b")]);
    const worker = await bench.driver([single(), plan], {
      leaseMs: 1e12,
      limits: [{ task: "a", limits: [declared("a/concurrency", slots(1))] }],
    });
    await submitMany(bench, 20);
    for (let n = 0; n < 3; n++) await bench.submit(plan, n);
    const grants = [...(await worker.take(4)), ...(await worker.take(4))];
    expect(grants.map(({ needs }) => needs).sort()).toEqual(["a", "b", "b", "b"]);
  });

  test("lines of one queue take turns", async (bench) => {
    const limit = declared("a/concurrency", slots(100), { isKeyed: true });
    const worker = await limited(bench, [limit]);
    for (const [key, n] of [
      ["big", 6],
      ["small", 2],
    ] as const)
      for (let i = 0; i < n; i++) await bench.submit(sole(), key, { limits: [use("a/concurrency", key)] });
    const keys: unknown[] = [];
    for (let n = 0; n < 4; n++) for (const grant of await worker.take(1)) keys.push(grant.values[":input"]);
    expect(keys).toEqual(['"big"', '"small"', '"big"', '"small"']);
  });

  test("a higher priority goes first, limited or not", async (bench) => {
    const limit = declared("a/concurrency", slots(100), { isKeyed: true });
    const worker = await limited(bench, [limit]);
    const low = await bench.submit(single(), 1, { priority: 1, limits: [use("a/concurrency", "x")] });
    const high = await bench.submit(single(), 2, { priority: 9, limits: [use("a/concurrency", "x")] });
    expect([...runsOf(await worker.take(1)), ...runsOf(await worker.take(1))]).toEqual([high, low]);
  });

  test("a successor under a limit is not handed straight on", async (bench) => {
    const limit = { task: "s2", limits: [declared("s2/concurrency", slots(1))] };
    const worker = await bench.driver(chain(2), { leaseMs: 1e12, limits: [limit] });
    await bench.submit(chain(2), 1);
    await bench.submit(chain(2), 2);
    expect(await worker.finish()).toBe(4);
    expect(await bench.store.readLimit("s2/concurrency", "")).toMatchObject({ used: 0 });
  });

  test("the steps of a map stand in the lines of their keys", async (bench) => {
    const plan = planOf("map", [
      mapStep("a[]", fromInput("list")),
      taskStep("a", { in: "a[]", input: wire(fromItem("a[]")) }),
    ]);
    const limitsOf = (_task: string, input: unknown) => [use("a/concurrency", String(input))];
    const limit = declared("a/concurrency", slots(1), { isKeyed: true });
    const worker = await bench.driver(plan, {
      leaseMs: 1e12,
      limitsOf,
      limits: [{ task: "a", limits: [limit] }],
    });
    const run = await bench.submit(plan, { list: ["x", "x", "y"] });
    const grants = await worker.take(5);
    expect(grants.map(({ lease }) => lease.address).sort()).toEqual(["a[0]", "a[2]"]);
    expect(await bench.stepState(run, "a[1]")).toBe("limited");
    for (const grant of grants) await worker.succeed(grant, 1);
    await worker.finish();
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a lost lane's reply takes no second slot", async (bench) => {
    const worker = await limited(bench, [declared("a/concurrency", slots(2))]);
    await submitMany(bench, 4);
    const grants = await worker.take(1);
    expect((await worker.replay()).grants).toEqual(grants);
    expect(await bench.store.readLimit("a/concurrency", "")).toMatchObject({
      used: 1,
      holders: [{ run: grants[0]?.lease.run, address: "a", session: worker.session.id, worker: "tester" }],
    });
  });

  test("a step that waits for a limit can be told which, until when, and who has its slots", async (bench) => {
    const both = [declared("a/rate", rate(1)), declared("stripe", slots(1))];
    const worker = await limited(bench, both);
    const [first, second] = (await submitMany(bench, 2)) as [string, string];
    await worker.take(2);
    const { step, nowMs } = await bench.store.whereIs(second, "a");
    expect(step).toMatchObject({ state: "limited", line: { queue: "default", depth: 1 } });
    expect(step?.limits).toMatchObject([
      { limit: "a/rate", isShut: true, opensAtMs: nowMs + SECOND, setting: rate(1) },
      { limit: "stripe", isShut: true, used: 1, holders: [{ run: first, address: "a" }], setting: slots(1) },
    ]);
    expect(await bench.store.getStep(second, "a")).toMatchObject({ state: "limited" });
    const listed = await bench.store.listSteps(second, { limit: 5, states: ["limited"] });
    expect(listed.steps).toHaveLength(1);
  });

  test("a throttled key starts nothing for a while, then slowly", async (bench) => {
    const limit = declared("a/rate", rate(10), { isKeyed: true });
    const worker = await limited(bench, [limit]);
    for (const key of ["x", "x", "x", "x", "y"])
      await bench.submit(sole(), key, { limits: [use("a/rate", key)] });
    const grants = await worker.take(5);
    const x = grants.find(({ values }) => values[":input"] === '"x"') as Grant;
    const told = await bench.store.throttle({ lease: x.lease, forMs: 30_000 });
    expect(told).toEqual(["a/rate"]);
    expect(await bench.store.readLimit("a/rate", "x")).toMatchObject({ share: 0.5 });
    await pass(bench, 29_999);
    expect(await worker.take(5)).toEqual([]);
    await pass(bench, 1);
    expect(await worker.take(5)).toHaveLength(1);
    await pass(bench, 101);
    expect(await worker.take(5)).toEqual([]);
    await pass(bench, 100);
    expect(await worker.take(5)).toHaveLength(1);
    await pass(bench, 300_000);
    expect((await bench.store.readLimit("a/rate", "x")).share).toBeUndefined();
  });

  test("who is stale throttles nobody", async (bench) => {
    const worker = await limited(bench, [declared("a/rate", rate(10))]);
    await submitMany(bench, 1);
    const [grant] = (await worker.take(1)) as [Grant];
    await worker.succeed(grant);
    expect(await bench.store.throttle({ lease: grant.lease, forMs: 1_000 })).toEqual([]);
  });

  test("a limited step that waited too long expires", async (bench) => {
    const plan = single({ startWithinMs: 1_000 });
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    await bench.submit(plan, 1);
    const late = await bench.submit(plan, 2);
    await worker.take(2);
    await pass(bench, 1_000);
    expect(await bench.store.getStep(late, "a")).toMatchObject({ state: "failed", reason: "expired" });
  });

  test("what is not served does not keep a limit from others", async (bench) => {
    const plan = planOf("other", [taskStep("a", { queue: "nobody" })]);
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    const own = await submitMany(bench, 1);
    const [grant] = (await worker.take(1)) as [Grant];
    expect(runsOf([grant])).toEqual(own);
    await bench.submit(plan, 1);
    const side = await bench.driver(plan, { leaseMs: 1e12, queues: ["nobody"] });
    expect(await side.take(1)).toEqual([]);
    const [next] = await submitMany(bench, 1);
    expect(await worker.take(1)).toEqual([]);
    await worker.succeed(grant);
    // The slot woke the line of the queue that nobody asks for any more: after a second the next one is woken.
    await pass(bench, 1_000);
    expect(runsOf(await worker.take(1))).toEqual([next]);
  });
}
