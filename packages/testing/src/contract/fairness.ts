import { FAIR, type Grant, type LimitUse, type TaskLimits } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver, DriverOptions } from "../driver.js";
import { newRunId, type SubmissionParts, submissionOf } from "../factories.js";
import { fromInput, planOf, taskStep, wire } from "../plans.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { pass, runsOf } from "./limited.js";

const turnOf = (key: string): LimitUse => ({ limit: FAIR, key, cost: 1 });

/** One task that takes the run's input. */
const sole = (parts: Parameters<typeof single>[0] = {}) => single({ input: wire(fromInput()), ...parts });

/** Tenants and their steps in one store. */
class Tenants {
  readonly bench: Bench;
  readonly #of = new Map<string, string>();

  constructor(bench: Bench) {
    this.bench = bench;
  }

  /** A driver whose session says that the tenants of the task `a` take turns; it lives for as long as the test. */
  worker(options: DriverOptions = {}): Promise<Driver> {
    return this.bench.driver(sole(), {
      leaseMs: 1e12,
      limits: [{ task: "a", limits: [], fairIn: "all" }],
      ...options,
    });
  }

  /** Submits single tasks of a tenant; without one they go with all others that have none. */
  async fill(key: string, n: number, parts: SubmissionParts = {}, plan = sole()): Promise<string[]> {
    const limits = key === "" ? [] : [turnOf(key)];
    const batch = Array.from({ length: n }, () =>
      submissionOf(plan, key, { id: newRunId(), limits, ...parts }),
    );
    for (const { id } of batch) this.#of.set(id, key);
    for (const { status } of await this.bench.store.submit(batch))
      expect(["created", "existing"]).toContain(status);
    return batch.map(({ id }) => id);
  }

  /** Takes so many steps, so many at a time; answers whose they were. */
  async take(worker: Driver, n: number, slots = 1): Promise<string[]> {
    const taken: string[] = [];
    for (let idle = 0; taken.length < n && idle < 3; ) {
      const grants = await worker.take(Math.min(slots, n - taken.length));
      taken.push(...this.of(grants));
      idle = grants.length === 0 ? idle + 1 : 0;
    }
    return taken;
  }

  /** Whose steps were granted. */
  of(grants: readonly Grant[]): string[] {
    return runsOf(grants).map((run) => this.#of.get(run) as string);
  }
}

/** How often each came, by name. */
function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** That each had its part of all that was served, within 10 % and one step. */
function expectParts(names: readonly string[], weights: Readonly<Record<string, number>>): void {
  const counts = countsOf(names);
  const sum = Object.values(weights).reduce((all, weight) => all + weight, 0);
  for (const [name, weight] of Object.entries(weights)) {
    const due = (names.length * weight) / sum;
    const said = `${name} had ${counts[name] ?? 0} of ${names.length}, ${due} are its part`;
    expect(Math.abs((counts[name] ?? 0) - due), said).toBeLessThanOrEqual(Math.max(1, due / 10));
  }
}

export function fairness(test: BenchTest): void {
  test("tenants take turns, however much each of them has waiting", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await tenants.fill("big", 20);
    await tenants.fill("small", 3);
    await tenants.fill("late", 2);
    expect(countsOf(await tenants.take(worker, 6))).toEqual({ big: 2, small: 2, late: 2 });
    expect(await tenants.take(worker, 3)).toContain("small");
    expect(countsOf(await tenants.take(worker, 20, 5))).toEqual({ big: 16 });
  });

  for (const slots of [1, 100])
    test(`weights hold with ${slots} at a time`, async (bench) => {
      const tenants = new Tenants(bench);
      const worker = await tenants.worker();
      const weights = { acme: 3, beta: 2, gamma: 1 };
      await bench.store.setQueue("default", { weights: { acme: 3, beta: 2 } }, "me");
      const n = slots === 100 ? 200 : 36;
      for (const key of Object.keys(weights)) await tenants.fill(key, n);
      expectParts(await tenants.take(worker, n, slots), weights);
    });

  test("a tenant with many limit keys gets no more than one with none", async (bench) => {
    const tenants = new Tenants(bench);
    const limits: TaskLimits[] = [
      {
        task: "a",
        limits: [{ name: "a/concurrency", setting: { concurrency: 100 }, isKeyed: true }],
        fairIn: "all",
      },
    ];
    const worker = await tenants.worker({ limits });
    for (let host = 0; host < 20; host++) {
      const use = { limit: "a/concurrency", key: `h${host}`, cost: 1 };
      await tenants.fill("wide", 2, { limits: [turnOf("wide"), use] });
    }
    await tenants.fill("plain", 20);
    expectParts(await tenants.take(worker, 20), { wide: 1, plain: 1 });
    expectParts(await tenants.take(worker, 20, 10), { wide: 1, plain: 1 });
  });

  test("who comes late begins where the others are", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await tenants.fill("early", 40);
    await tenants.take(worker, 5);
    await tenants.take(worker, 20, 20);
    await tenants.fill("late", 20);
    expectParts(await tenants.take(worker, 12), { early: 1, late: 1 });
    // Who has had all it wanted meanwhile has saved nothing up either.
    await tenants.fill("early", 20);
    await tenants.take(worker, 100, 100);
    await tenants.fill("early", 20);
    await tenants.fill("late", 20);
    expectParts(await tenants.take(worker, 12), { early: 1, late: 1 });
  });

  test("ever new tenants do not keep one waiting that is there", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await tenants.fill("old", 10);
    const taken: string[] = [];
    for (let n = 0; n < 60; n++) {
      await tenants.fill(`new${n}`, 1);
      taken.push(...(await tenants.take(worker, 1)));
    }
    expect(countsOf(taken).old).toBeGreaterThanOrEqual(2);
  });

  test("steps without a tenant are one of them", async (bench) => {
    const tenants = new Tenants(bench);
    const plain = planOf("free", [taskStep("b")]);
    const worker = await bench.driver([sole(), plain], {
      leaseMs: 1e12,
      limits: [
        { task: "a", limits: [], fairIn: "all" },
        { task: "b", limits: [] },
      ],
    });
    await tenants.fill("", 10);
    await tenants.fill("", 10, { limits: undefined }, plain);
    for (const key of ["x", "y"]) await tenants.fill(key, 20);
    expectParts(await tenants.take(worker, 30), { "": 1, x: 1, y: 1 });
    expect(countsOf(await tenants.take(worker, 30, 30))).toEqual({ "": 10, x: 10, y: 10 });
  });

  test("a session that serves only some tasks finds the tenants that have steps for it", async (bench) => {
    const tenants = new Tenants(bench);
    const other = planOf("other", [taskStep("b")]);
    const limits: TaskLimits[] = ["a", "b"].map((task) => ({ task, limits: [], fairIn: "all" }));
    for (let n = 0; n < 40; n++) await tenants.fill(`other${n}`, 1, {}, other);
    const worker = await tenants.worker({ limits });
    await tenants.fill("own", 4);
    await tenants.fill("both", 4);
    await tenants.fill("both", 4, {}, other);
    expect(countsOf(await tenants.take(worker, 6))).toEqual({ own: 3, both: 3 });
    // What nobody has served is there for who comes and does.
    const second = await bench.driver([sole(), other], { leaseMs: 1e12, limits });
    const taken = countsOf(await tenants.take(second, 100, 10));
    expect(Object.keys(taken)).toHaveLength(42);
    expect(taken).toMatchObject({ own: 1, both: 5, other0: 1 });
  });

  test("a weight that is edited holds at once", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    for (const key of ["acme", "beta"]) await tenants.fill(key, 40);
    expectParts(await tenants.take(worker, 12), { acme: 1, beta: 1 });
    await bench.store.setQueue("default", { weights: { acme: 4 } }, "me");
    expectParts(await tenants.take(worker, 25), { acme: 4, beta: 1 });
    await bench.store.setQueue("default", { weights: { acme: "default", beta: 3 } }, "me");
    expectParts(await tenants.take(worker, 20), { acme: 1, beta: 3 });
  });

  test("tenants whose limits refuse them are in nobody's way, and save nothing up", async (bench) => {
    const tenants = new Tenants(bench);
    const limit = { name: "a/rate", setting: { rate: 10, perMs: 1_000, burst: 1 }, isKeyed: true };
    const worker = await tenants.worker({ limits: [{ task: "a", limits: [limit], fairIn: "all" }] });
    const runs = await tenants.fill("slow", 10, {
      limits: [turnOf("slow"), { limit: "a/rate", key: "slow", cost: 1 }],
    });
    await tenants.fill("fast", 40);
    expect(countsOf(await tenants.take(worker, 8))).toEqual({ slow: 1, fast: 7 });
    expect(await bench.stepState(runs[9] as string, "a")).toBe("limited");
    expect(await bench.store.whereIs(runs[9] as string, "a")).toMatchObject({
      step: { turn: { key: "slow", isOpen: false } },
    });
    await pass(bench, 100);
    expect(countsOf(await tenants.take(worker, 4))).toEqual({ slow: 1, fast: 3 });
    await bench.store.setLimit("a/rate", "off");
    await pass(bench, 1_000);
    expectParts(await tenants.take(worker, 10), { slow: 1, fast: 1 });
  });

  test("what a lost worker held goes back to its tenant", async (bench) => {
    const tenants = new Tenants(bench);
    const doomed = await tenants.worker({ leaseMs: 10_000 });
    await tenants.fill("x", 4);
    await tenants.fill("y", 4);
    expect(await tenants.take(doomed, 6, 6)).toHaveLength(6);
    const worker = await tenants.worker();
    await bench.expire(doomed.session.id, [worker.session.id]);
    const taken = await tenants.take(worker, 4);
    expect(countsOf(taken)).toEqual({ x: 2, y: 2 });
    expect(countsOf(await tenants.take(worker, 9, 9))).toEqual({ x: 2, y: 2 });
  });

  test("what is released or tried again stays its tenant's", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await tenants.fill("x", 1);
    const [first] = (await worker.take(1)) as [Grant];
    await bench.store.release(worker.session.id, [first.lease]);
    const [second] = (await worker.take(1)) as [Grant];
    await worker.retry(second, 1_000);
    await pass(bench, 1_000);
    expect(await bench.store.listTenants("default")).toMatchObject([{ key: "x", waiting: 1 }]);
    expect(await tenants.take(worker, 1)).toEqual(["x"]);
    expect(await bench.store.listTenants("default")).toEqual([]);
  });

  test("who did not send the tenant along has a worker asked for it", async (bench) => {
    const limitsOf = (_task: string, input: unknown) => [turnOf(String(input))];
    const worker = await bench.driver(sole(), {
      ...{ leaseMs: 1e12, limits: [{ task: "a", limits: [], fairIn: "all" }], limitsOf },
    });
    const x = [
      await bench.submit(sole(), "x"),
      await bench.submit(sole(), "x"),
      await bench.submit(sole(), "x"),
    ];
    const y = await bench.submit(sole(), "y");
    const taken = [...runsOf(await worker.take(1)), ...runsOf(await worker.take(1))];
    expect(taken.sort()).toEqual([x[0], y].sort());
  });

  test("steps that wait already are asked once their task's code says whose turn it is", async (bench) => {
    await bench.driver(sole(), { leaseMs: 1e12 });
    for (const key of ["x", "x", "x", "y"]) await bench.submit(sole(), key);
    const limitsOf = (_task: string, input: unknown) => [turnOf(String(input))];
    const worker = await bench.driver(sole(), {
      ...{ leaseMs: 1e12, limits: [{ task: "a", limits: [], fairIn: "all" }], limitsOf },
    });
    const keys: unknown[] = [];
    for (let n = 0; n < 8 && keys.length < 2; n++)
      for (const grant of await worker.take(1)) keys.push(grant.values[":input"]);
    expect(keys.sort()).toEqual(['"x"', '"y"']);
  });

  test("a queue's own tenants are asked for in that queue only", async (bench) => {
    const side = sole({ queue: "side" });
    const limitsOf = (_task: string, input: unknown) => [turnOf(String(input))];
    const worker = await bench.driver([sole(), side], {
      ...{ leaseMs: 1e12, limits: [{ task: "a", limits: [], fairIn: ["side"] }], limitsOf },
    });
    for (const plan of [sole(), side]) await bench.submit(plan, "x");
    const control = await worker.takeControl();
    expect(control).toHaveLength(1);
    await worker.control(control[0] as Grant);
    expect(await bench.store.listTenants("side")).toMatchObject([{ key: "x", weight: 1, waiting: 1 }]);
    expect(await bench.store.listTenants("default")).toEqual([]);
    expect(await worker.take(5)).toHaveLength(2);
  });

  test("a higher priority goes first, whose turn it may be", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await tenants.fill("x", 2, { priority: 1 });
    await tenants.fill("y", 3, { priority: 8 });
    expect(await tenants.take(worker, 5)).toEqual(["y", "y", "y", "x", "x"]);
  });

  test("within each priority of a weighted queue tenants take turns", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await bench.store.setQueue("default", { priority: "weighted" }, "me");
    for (const key of ["x", "y"]) await tenants.fill(key, 20, { priority: 6 });
    for (const key of ["v", "w"]) await tenants.fill(key, 20, { priority: 5 });
    expectParts(await tenants.take(worker, 30), { x: 2, y: 2, v: 1, w: 1 });
    expectParts(await tenants.take(worker, 24, 24), { x: 2, y: 2, v: 1, w: 1 });
  });

  test("a queue with tenants takes turns with others", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker({
      queues: ["default", "side"],
      limits: [{ task: "a", limits: [], fairIn: ["default"] }],
    });
    for (const key of ["x", "y"]) await tenants.fill(key, 20);
    await tenants.fill("", 20, { limits: undefined }, sole({ queue: "side" }));
    expectParts(await tenants.take(worker, 20), { "": 2, x: 1, y: 1 });
    expect(countsOf(await tenants.take(worker, 60, 60))).toEqual({ "": 10, x: 15, y: 15 });
  });

  test("a paused queue serves no tenant, and all of them once it goes on", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    for (const key of ["x", "y"]) await tenants.fill(key, 2);
    await bench.store.setQueue("default", { paused: true }, "me");
    expect(await worker.take(5)).toEqual([]);
    await bench.store.setQueue("default", { paused: false }, "me");
    expect(countsOf(await tenants.take(worker, 4, 4))).toEqual({ x: 2, y: 2 });
  });

  test("obliterating a queue leaves no tenant", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    const runs: string[] = [];
    for (const key of ["x", "y", "z"]) runs.push(...(await tenants.fill(key, 3)));
    await tenants.take(worker, 3);
    let cursor: string | undefined;
    let removed = 0;
    for (let call = 0; call === 0 || (cursor !== undefined && call < 20); call++) {
      const page = await bench.store.obliterateQueue("default", { cursor, limit: 2 });
      cursor = page.next;
      removed += page.removed;
    }
    if (!bench.faulty) expect(removed).toBe(6);
    expect(await bench.store.listTenants("default")).toEqual([]);
    expect(await tenants.take(worker, 5, 5)).toEqual([]);
    expect((await bench.store.listQueues()).find(({ name }) => name === "default")).toMatchObject({
      ready: 0,
    });
  });

  test("it is told whose turn it is", async (bench) => {
    const tenants = new Tenants(bench);
    const worker = await tenants.worker();
    await bench.store.setQueue("default", { weights: { acme: 3 } }, "me");
    const [run] = await tenants.fill("acme", 5);
    await tenants.fill("beta", 2);
    await tenants.take(worker, 1);
    expect(await bench.store.listTenants("default")).toEqual([
      { key: "beta", priority: 5, weight: 1, waiting: 2, atLeast: false },
      { key: "acme", priority: 5, weight: 3, waiting: 4, atLeast: false },
    ]);
    expect(run).toBeDefined();
    const [late] = await tenants.fill("acme", 1);
    expect(await bench.store.whereIs(late as string, "a")).toMatchObject({
      step: { turn: { key: "acme", weight: 3, before: 1, tenants: 2, isOpen: true }, line: { depth: 7 } },
    });
  });

  test("weights are said by code and by edits, each key for itself", async (bench) => {
    const { store } = bench;
    const settings = async () => (await store.listQueues()).find(({ name }) => name === "default")?.settings;
    await store.declareQueues([{ name: "default", weights: { acme: 3, "ö=&:%|": 2 } }]);
    expect(await settings()).toMatchObject({
      weights: { acme: 3, "ö=&:%|": 2 },
      default: { weights: { acme: 3, "ö=&:%|": 2 } },
      edit: {},
    });
    await store.setQueue("default", { weights: { acme: 1, beta: 9 } }, "me");
    await store.setQueue("default", { weights: { gamma: 4, beta: "default" }, max: 5 }, "me");
    expect(await settings()).toMatchObject({
      ...{ max: 5, weights: { acme: 1, gamma: 4, "ö=&:%|": 2 } },
      edit: { max: 5, weights: { acme: 1, gamma: 4 } },
    });
    const before = await settings();
    expect(await store.setQueue("default", { weights: { acme: 1, other: "default" } }, "you")).toEqual(
      before,
    );
    await store.declareQueues([{ name: "default" }]);
    expect((await settings())?.weights).toEqual({ acme: 1, gamma: 4 });
    await store.setQueue("default", { weights: "default" }, "me");
    expect((await settings())?.weights).toBeUndefined();
  });

  test("weights that make no sense are refused", async ({ store }) => {
    for (const weight of [0, -1, 1.5, 1_001, Number.NaN, "3" as unknown as number])
      await expect(store.setQueue("q", { weights: { acme: weight } }, "me")).rejects.toThrow(
        /queue "q": weights: that of "acme" is .*; it takes a whole number from 1 to 1000/,
      );
    const long = { ["k".repeat(10_000)]: 1 };
    await expect(store.setQueue("q", { weights: long }, "me")).rejects.toThrow(
      /weights has a key of 10000 char/,
    );
    const many = (n: number, from = 0) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${from + i}`, 2]));
    await expect(store.declareQueues([{ name: "q", weights: many(1_001) }])).rejects.toThrow(/has 1001 keys/);
    await store.setQueue("q", { weights: many(1_000) }, "me");
    await expect(store.setQueue("q", { weights: many(1, 5_000) }, "me")).rejects.toThrow(
      /weights would have 1001 keys/,
    );
    await store.setQueue("q", { weights: { k0: "default", k5000: 2 } }, "me");
    expect((await store.listQueues()).map(({ name }) => name)).toEqual(["q"]);
  });
}
