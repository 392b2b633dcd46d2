import type { DeclaredLimit, Grant, LimitEdit, LimitSetting, LimitUse } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver, DriverOptions } from "../driver.js";
import { fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import { chain, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const SECOND = 1_000;
const rate = (n: number, perMs = SECOND, burst = 1): LimitSetting => ({ rate: n, perMs, burst });
/** One task that takes the run's input. */
const sole = (parts: Parameters<typeof single>[0] = {}) => single({ input: wire(fromInput()), ...parts });
const slots = (n: number): LimitSetting => ({ concurrency: n });

/** A limit of the task `a`, as its code declares it. */
const declared = (
  name: string,
  setting: LimitSetting,
  parts: Partial<DeclaredLimit> = {},
): DeclaredLimit => ({
  ...{ name, setting, isKeyed: false },
  ...parts,
});
const use = (limit: string, key: string, cost = 1): LimitUse => ({ limit, key, cost });

/** A driver whose session says what limits the task `a` has; it lives for as long as the test. */
export async function limited(
  bench: Bench,
  limits: readonly DeclaredLimit[],
  options: DriverOptions = {},
): Promise<Driver> {
  return bench.driver(single(), { leaseMs: 1e12, limits: [{ task: "a", limits }], ...options });
}

export const runsOf = (grants: readonly Grant[]) => grants.map(({ lease }) => lease.run);

async function submitMany(bench: Bench, n: number, parts: Parameters<Bench["submit"]>[2] = {}) {
  const runs = [];
  for (let i = 0; i < n; i++) runs.push(await bench.submit(single(), i, parts));
  return runs;
}

/** Lets time pass, and rings what is due. */
export async function pass({ clock, store }: Bench, ms: number): Promise<void> {
  clock.advance(ms);
  await store.promoteDue(500);
}

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
