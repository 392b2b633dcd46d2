import type { Grant, LimitEdit } from "@jobbers/core";
import { expect } from "vitest";
import { planOf, taskStep } from "../plans.js";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { declared, limited, pass, rate, runsOf, SECOND, slots, sole, submitMany, use } from "./limited.js";

export function limits(test: BenchTest): void {
  test("a rate lets one start at a time, evenly spaced", async (bench) => {
    const worker = await limited(bench, [declared("a/rate", rate(10))]);
    const runs = await submitMany(bench, 5);
    expect(runsOf(await worker.take(5))).toEqual(runs.slice(0, 1));
    await pass(bench, 99);
    expect(await worker.take(5)).toEqual([]);
    await pass(bench, 1);
    expect(runsOf(await worker.take(5))).toEqual(runs.slice(1, 2));
    await pass(bench, 100);
    expect(runsOf(await worker.take(5))).toEqual(runs.slice(2, 3));
  });

  test("a rate that is made slower lets nobody start who was owed, and one that is made faster has nobody wait for the old one", async (bench) => {
    const worker = await limited(bench, [declared("a/rate", rate(10, SECOND, 3))]);
    await submitMany(bench, 12);
    expect(await worker.take(10)).toHaveLength(3);
    await bench.store.setLimit("a/rate", rate(1, 3_600_000, 3) as LimitEdit);
    await pass(bench, 3_599_999);
    expect(await worker.take(10)).toEqual([]);
    await pass(bench, 1);
    expect(await worker.take(10)).toHaveLength(1);
    await bench.store.setLimit("a/rate", rate(10, SECOND, 3) as LimitEdit);
    await pass(bench, 99);
    expect(await worker.take(10)).toEqual([]);
    await pass(bench, 1);
    expect(await worker.take(10)).toHaveLength(1);
  });

  test("a burst starts at once, and is not saved up beyond that over an hour", async (bench) => {
    const worker = await limited(bench, [declared("a/rate", rate(10, SECOND, 3))]);
    await submitMany(bench, 12);
    expect(await worker.take(10)).toHaveLength(3);
    await pass(bench, 3_600_000);
    expect(await worker.take(10)).toHaveLength(3);
    await pass(bench, 100);
    expect(await worker.take(10)).toHaveLength(1);
  });

  test("slots are freed by whatever ends an attempt", async (bench) => {
    const worker = await limited(bench, [declared("a/concurrency", slots(2))]);
    await submitMany(bench, 8);
    const [first, second] = (await worker.take(5)) as [Grant, Grant];
    expect(await worker.take(5)).toEqual([]);
    await worker.succeed(first);
    const [third] = (await worker.take(5)) as [Grant];
    expect(await worker.take(5)).toEqual([]);
    await worker.fail(second);
    const [fourth] = (await worker.take(5)) as [Grant];
    await worker.retry(third, 5_000);
    const [fifth] = (await worker.take(5)) as [Grant];
    await bench.store.release(worker.session.id, [fourth.lease, fifth.lease]);
    expect(await worker.take(5)).toHaveLength(2);
    expect(await bench.store.readLimit("a/concurrency", "")).toMatchObject({ used: 2 });
  });

  test("a report and a taking in one exchange pass a slot on", async (bench) => {
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    const runs = await submitMany(bench, 3);
    const [first] = (await worker.take(3)) as [Grant];
    const { grants } = await worker.exchange([await worker.success(first)], { slots: 3 });
    expect(runsOf(grants)).toEqual(runs.slice(1, 2));
  });

  test("what waits under one limit when an edit makes another is taken, though it moves to another line first", async (bench) => {
    const worker = await bench.driver(single());
    await bench.store.setLimit("a@default/concurrency", slots(2));
    const runs = await submitMany(bench, 9);
    await bench.store.setLimit("a/concurrency", slots(5));
    expect(new Set(runsOf(await worker.take(10)))).toEqual(new Set(runs.slice(0, 2)));
  });

  test("a limit that an edit makes counts who runs already, whatever it runs under", async (bench) => {
    const { store } = bench;
    const pair = planOf("pair", [taskStep("a"), taskStep("b", { after: ["a"] })]);
    const other = await bench.driver([single(), pair]);
    const doomed = await bench.driver(single(), { leaseMs: 10_000 });
    await bench.submit(pair);
    await submitMany(bench, 9);
    const [, plain] = (await other.take(2)) as [Grant, Grant];
    expect(await doomed.take(1)).toHaveLength(1);
    // One more runs under a limit when the next ones are made.
    await store.setLimit("a@default/concurrency", slots(6));
    expect(await store.readLimit("a@default/concurrency", "")).toMatchObject({ used: 3 });
    const [limited] = (await other.take(1)) as [Grant];
    await store.setLimit("a/concurrency", slots(5));
    expect(await store.readLimit("a/concurrency", "")).toMatchObject({ used: 4 });
    await store.setLimit("@default/concurrency", slots(8));
    const { used, holders } = await store.readLimit("@default/concurrency", "");
    expect({ used, runs: new Set(holders.map(({ run }) => run)).size }).toEqual({ used: 4, runs: 4 });
    const taken = await other.take(10);
    expect(taken).toHaveLength(1);
    await other.succeed(plain);
    await other.fail(limited);
    expect(await store.readLimit("a/concurrency", "")).toMatchObject({ used: 3 });
    await bench.expire(doomed.session.id, [other.session.id]);
    expect(await store.readLimit("a/concurrency", "")).toMatchObject({ used: 2 });
    await store.closeSession(other.session.id);
    for (const name of ["a/concurrency", "a@default/concurrency", "@default/concurrency"])
      expect(await store.readLimit(name, "")).toMatchObject({ used: 0 });
  });

  test("a worker that vanished keeps no slot", async (bench) => {
    const doomed = await limited(bench, [declared("a/concurrency", slots(1))], { leaseMs: 10_000 });
    const [run] = await submitMany(bench, 2);
    const [grant] = (await doomed.take(2)) as [Grant];
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    expect(await worker.take(2)).toEqual([]);
    await bench.expire(doomed.session.id, [worker.session.id]);
    expect(await bench.store.readLimit("a/concurrency", "")).toMatchObject({ used: 0 });
    const taken = await worker.take(2);
    expect(taken).toHaveLength(1);
    // Its late success counts where nobody took it since, and frees nothing twice.
    await doomed.succeed(grant);
    expect(await bench.store.readLimit("a/concurrency", "")).toMatchObject({ used: 1 });
    await worker.succeed(taken[0] as Grant);
    while ((await worker.finish()) > 0);
    expect(await bench.runState(run as string)).toBe("succeeded");
    expect(await bench.store.readLimit("a/concurrency", "")).toMatchObject({ used: 0 });
  });

  test("a cancelled run frees its slots", async (bench) => {
    const worker = await limited(bench, [declared("a/concurrency", slots(1))]);
    const [first, second] = await submitMany(bench, 2);
    const [grant] = (await worker.take(2)) as [Grant];
    await bench.store.cancel(first as string);
    await worker.succeed(grant);
    expect(runsOf(await worker.take(2))).toEqual([second]);
  });

  test("each key has a limit of its own", async (bench) => {
    const limit = declared("a/concurrency", slots(1), { isKeyed: true });
    const worker = await limited(bench, [limit]);
    const of = (key: string) => ({ limits: [use("a/concurrency", key)] });
    const x1 = await bench.submit(single(), 1, of("x"));
    const x2 = await bench.submit(single(), 2, of("x"));
    const y1 = await bench.submit(single(), 3, of("y"));
    const grants = await worker.take(5);
    expect(runsOf(grants).sort()).toEqual([x1, y1].sort());
    expect(await bench.stepState(x2, "a")).toBe("limited");
    await worker.succeed(grants.find(({ lease }) => lease.run === x1) as Grant);
    expect(runsOf(await worker.take(5))).toEqual([x2]);
  });

  test("who did not send the keys has a worker asked for them, at no cost", async (bench) => {
    const limit = declared("a/concurrency", slots(1), { isKeyed: true });
    const limitsOf = (_task: string, input: unknown) => [use("a/concurrency", `k${input}`)];
    const worker = await limited(bench, [limit], { limitsOf });
    const runs = [await bench.submit(sole(), 1)];
    runs.push(await bench.submit(sole(), 1));
    runs.push(await bench.submit(sole(), 2));
    expect(await bench.store.getStep(runs[0] as string, "a")).toMatchObject({ state: "ready", tries: 0 });
    const grants = await worker.take(5);
    expect(runsOf(grants).sort()).toEqual([runs[0], runs[2]].sort());
    expect(grants.map(({ tries, phase }) => [tries, phase])).toEqual([
      [0, "run"],
      [0, "run"],
    ]);
    expect(await bench.store.readLimit("a/concurrency", "k1")).toMatchObject({ used: 1, parked: 1 });
  });

  test("several limits hold together, and count nothing when one refuses", async (bench) => {
    const both = [declared("a/rate", rate(1, SECOND, 2)), declared("a/concurrency", slots(1))];
    const worker = await limited(bench, both);
    await submitMany(bench, 4);
    const [first] = (await worker.take(4)) as [Grant];
    expect(await worker.take(4)).toEqual([]);
    await worker.succeed(first);
    const [second] = (await worker.take(4)) as [Grant];
    await worker.succeed(second);
    expect(await worker.take(4)).toEqual([]);
    await pass(bench, SECOND);
    expect(await worker.take(4)).toHaveLength(1);
  });

  test("a limit with a name is shared by tasks", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b")]);
    const shared = declared("stripe", slots(1));
    const limitsOfBoth = ["a", "b"].map((task) => ({ task, limits: [shared] }));
    const worker = await bench.driver(plan, { leaseMs: 1e12, limits: limitsOfBoth });
    await bench.submit(plan);
    const [first] = (await worker.take(5)) as [Grant];
    expect(await worker.take(5)).toEqual([]);
    await worker.succeed(first);
    expect(await worker.take(5)).toHaveLength(1);
  });

  test("steps of a high cost use up more of a rate", async (bench) => {
    const limit = declared("a/rate", rate(10, SECOND, 10), { isKeyed: true });
    const worker = await limited(bench, [limit]);
    const of = (cost: number) => ({ limits: [use("a/rate", "", cost)] });
    await bench.submit(single(), 1, of(8));
    await bench.submit(single(), 2, of(8));
    expect(await worker.take(5)).toHaveLength(1);
    await pass(bench, 500);
    expect(await worker.take(5)).toEqual([]);
    await pass(bench, 100);
    expect(await worker.take(5)).toHaveLength(1);
    // What is beyond the burst counts as the burst.
    await bench.submit(single(), 3, of(500));
    await pass(bench, 999);
    expect(await worker.take(5)).toEqual([]);
    await pass(bench, 1);
    expect(await worker.take(5)).toHaveLength(1);
  });

  test("who waits for more than there is keeps others from taking it away", async (bench) => {
    const limit = declared("a/rate", rate(10, SECOND, 10), { isKeyed: true });
    const worker = await limited(bench, [limit]);
    const of = (cost: number) => ({ limits: [use("a/rate", "", cost)] });
    for (let n = 0; n < 20; n++) await bench.submit(single(), n, of(1));
    expect(await worker.take(20)).toHaveLength(10);
    const dear = await bench.submit(single(), 99, of(5));
    expect(await worker.take(20)).toEqual([]);
    const taken: string[] = [];
    for (let n = 0; n < 8; n++) {
      await pass(bench, 100);
      taken.push(...runsOf(await worker.take(20)));
    }
    expect(taken).toContain(dear);
  });
}
