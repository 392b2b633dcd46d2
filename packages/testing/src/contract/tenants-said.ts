import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import type { BenchTest } from "./bench.js";
import { runsOf, sole } from "./limited.js";
import { countsOf, expectParts, Tenants, turnOf } from "./tenants.js";

export function tenantsSaid(test: BenchTest): void {
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
