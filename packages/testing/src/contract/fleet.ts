import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { planOf, taskStep } from "../plans.js";
import { diamond, inlined, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

export function fleet(test: BenchTest): void {
  test("a step goes only to a session that serves its task, and costs nothing on its way", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const run = await submit(diamond());
    const first = await driver(diamond(), { serves: ["a", "b", "d"] });
    expect(await first.finish()).toBe(2);
    expect(first.calls).toEqual(["a", "b"]);
    expect(await store.getStep(run, "c")).toMatchObject({ state: "ready", tries: 0, lost: 0, fence: 0 });
    const second = await driver(diamond(), { serves: ["c"] });
    expect(await second.finish()).toBe(1);
    expect(await first.finish()).toBe(1);
    expect(await runState(run)).toBe("succeeded");
  });

  test("steps that nobody serves do not hold up others in their queue", async ({ submit, driver }) => {
    const other = planOf("other", [taskStep("x")]);
    for (let n = 0; n < 700; n++) await submit(other, n);
    const run = await submit(single());
    const worker = await driver(single());
    expect((await worker.take(1)).map(({ lease }) => lease.run)).toEqual([run]);
    const late = await driver(other, { slots: 100 });
    expect(await late.finish()).toBe(700);
  });

  test("steps in the line of their task keep their order, and are first in, first out", async ({
    submit,
    driver,
  }) => {
    const plan = planOf("other", [taskStep("x")]);
    const runs = [];
    for (let n = 0; n < 4; n++) runs.push(await submit(plan, n));
    await (await driver(single())).take(5);
    const grants = await (await driver(plan)).take(5);
    expect(grants.map(({ lease }) => lease.run)).toEqual(runs);
  });

  test("an inlined dag whose schema has to parse is entered only by who has its code", async (bench) => {
    const { submit, driver, runState } = bench;
    const plan = inlined({ parses: true });
    const run = await submit(plan);
    const bare = await driver(plan, { serves: ["before", "fetch", "parse", "after"] });
    expect(await bare.finish()).toBe(1);
    expect(await runState(run)).toBe("running");
    const able = await driver(plan, { serves: ["dag:site"] });
    const [grant] = (await able.takeControl(5)) as [Grant];
    expect(grant).toMatchObject({ phase: "enter", needs: "dag:site", lease: { address: "site" }, tries: 0 });
    await able.control(grant);
    expect(await bare.finish()).toBe(3);
    expect(await runState(run)).toBe("succeeded");
  });

  test("control work that needs no code goes to any session", async ({ submit, driver }) => {
    await submit(inlined());
    const worker = await driver(inlined(), { serves: ["before"] });
    await worker.succeed((await worker.take())[0] as Grant);
    const [grant] = (await (await driver(single(), { serves: [] })).takeControl(5)) as [Grant];
    expect(grant).toMatchObject({ phase: "enter", needs: "", lease: { address: "site" } });
  });

  test("a session that takes several steps leaves those that it cannot run to others", async ({
    submit,
    driver,
  }) => {
    const plan = planOf(
      "mixed",
      ["a", "b", "c", "d"].map((name) => taskStep(name)),
    );
    await submit(plan);
    const even = await driver(plan, { serves: ["b", "d"] });
    expect((await even.take(4)).map(({ lease }) => lease.address)).toEqual(["b", "d"]);
    const odd = await driver(plan, { serves: ["a", "c"] });
    expect((await odd.take(4)).map(({ lease }) => lease.address)).toEqual(["a", "c"]);
  });

  test("a retried step in the line of its task goes to who serves it", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    await submit(single());
    const able = await driver(single());
    await able.retry((await able.take())[0] as Grant, 10);
    clock.advance(10);
    await store.promoteDue(10);
    expect(await (await driver(single(), { serves: ["x"] })).take(5)).toEqual([]);
    expect(await able.finish()).toBe(1);
  });
}
