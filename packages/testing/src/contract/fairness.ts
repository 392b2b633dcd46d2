import type { Grant, TaskLimits } from "@jobbers/core";
import { expect } from "vitest";
import { planOf, taskStep } from "../plans.js";
import type { BenchTest } from "./bench.js";
import { pass, sole } from "./limited.js";
import { countsOf, expectParts, Tenants, turnOf } from "./tenants.js";

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
}
