import type { Grant, Plan } from "@jobbers/core";
import { expect } from "vitest";
import type { Act } from "../driver.js";
import { planOf, taskStep } from "../plans.js";
import { chain, conditional, diamond, wideSuccessors } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** Runs a plan to its end: the steps named in `acts` do as told, all others succeed. */
export async function play(
  bench: Bench,
  plan: Plan,
  acts: Record<string, Act> = {},
  input: boolean | object = true,
) {
  const run = await bench.submit(plan, input as never);
  const worker = await bench.driver(plan, { script: ({ address }) => acts[address] ?? { succeed: address } });
  await worker.finish();
  return { run, calls: worker.calls, state: await bench.runState(run) };
}

export const FAIL: Act = { fail: "broken" };

export function graph(test: BenchTest): void {
  test("a step runs when its last parent has succeeded, once", async (bench) => {
    const { run, calls, state } = await play(bench, diamond());
    expect(calls).toEqual(["a", "b", "c", "d"]);
    expect(state).toBe("succeeded");
    expect(await bench.store.getRun(run)).toMatchObject({ endedAtMs: bench.clock.now(), cancelling: false });
  });

  test("a step that waits for others is blocked, once one of them has settled", async ({
    submit,
    driver,
    stepState,
  }) => {
    const run = await submit(diamond());
    const worker = await driver(diamond());
    await worker.succeed((await worker.take())[0] as Grant);
    const [b] = (await worker.take()) as [Grant];
    await worker.succeed(b);
    expect(await stepState(run, "d")).toBe("blocked");
    expect(await stepState(run, "c")).toBe("ready");
  });

  test("in mode stop, a step that was ready when another failed is cancelled when popped", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b"), taskStep("c", { after: ["b"] })]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    await worker.fail((await worker.take())[0] as Grant);
    expect(await worker.finish()).toBe(0);
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "cancelled", reason: "stopped" });
    expect(await bench.stepState(run, "c")).toBe("cancelled");
    expect(await bench.runState(run)).toBe("failed");
  });

  test("in mode stop, a step that would be released after a failure is cancelled", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b"), taskStep("c", { after: ["b"] })]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    const [a, b] = (await worker.take(2)) as [Grant, Grant];
    await worker.fail(a);
    expect(await worker.succeed(b)).toBe("accepted");
    expect(await worker.finish()).toBe(0);
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "succeeded" });
    expect(await bench.store.getStep(run, "c")).toMatchObject({ state: "cancelled", reason: "stopped" });
    expect(await bench.runState(run)).toBe("failed");
  });

  test("in mode stop, a retry that is due after a failure is cancelled", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b")]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    const [a, b] = (await worker.take(2)) as [Grant, Grant];
    await worker.retry(b, 1_000);
    await worker.fail(a);
    bench.clock.advance(1_000);
    await bench.store.promoteDue(10);
    expect(await worker.finish()).toBe(0);
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "cancelled", reason: "stopped" });
    expect(await bench.runState(run)).toBe("failed");
  });

  test("in mode continue, independent branches run on", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b"), taskStep("c", { after: ["b"] })], {
      failure: "continue",
    });
    const { run, calls, state } = await play(bench, plan, { a: FAIL });
    expect(calls).toEqual(["a", "b", "c"]);
    expect(state).toBe("failed");
    expect(await bench.stepState(run, "c")).toBe("succeeded");
  });

  test("what waits for a failed step is cancelled, level by level", async (bench) => {
    const { run, calls, state } = await play(bench, chain(5, "continue"), { s2: FAIL });
    expect(calls).toEqual(["s1", "s2"]);
    expect(state).toBe("failed");
    expect(await bench.stepStates(run, "s2", "s3", "s4", "s5")).toEqual({
      ...{ s2: "failed", s3: "cancelled", s4: "cancelled", s5: "cancelled" },
    });
    expect(await bench.store.getStep(run, "s4")).toMatchObject({ reason: "parent" });
  });

  test("a false `when` skips its step and what waits for it; none_failed runs on", async (bench) => {
    const { run, calls, state } = await play(bench, conditional(), {}, { flag: false });
    expect(calls).toEqual(["a", "d"]);
    expect(state).toBe("succeeded");
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "skipped", reason: "condition" });
    expect(await bench.store.getStep(run, "c")).toMatchObject({ state: "skipped", reason: "parent" });
  });

  test("a true `when` lets its step run, at no cost", async (bench) => {
    const { run, calls, state } = await play(bench, conditional(), {}, { flag: true });
    expect([...calls].sort()).toEqual(["a", "b", "c", "d"]);
    expect(state).toBe("succeeded");
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "succeeded", tries: 0, lost: 0 });
  });

  test("a skip spreads through a chain", async (bench) => {
    const plan = planOf("skips", [
      taskStep("s0", { when: { from: "input", path: [] } }),
      ...Array.from({ length: 6 }, (_, i) => taskStep(`s${i + 1}`, { after: [`s${i}`] })),
      taskStep("last", { after: ["s6"], trigger: "all_done" }),
    ]);
    const { run, calls, state } = await play(bench, plan, {}, false);
    expect(calls).toEqual(["last"]);
    expect(state).toBe("succeeded");
    expect(await bench.stepState(run, "s6")).toBe("skipped");
  });

  test("a step with more successors than a page holds releases all of them, and they join once", async (bench) => {
    const { calls, state, run } = await play(bench, wideSuccessors(1_200));
    expect(calls).toHaveLength(1_202);
    expect(new Set(calls).size).toBe(1_202);
    expect(calls.at(-1)).toBe("join");
    expect(state).toBe("succeeded");
    expect((await bench.store.getStep(run, "join"))?.fence).toBe(1);
  });

  test("a step that failed with many successors cancels all of them", async (bench) => {
    const { calls, state } = await play(bench, wideSuccessors(1_200), { a: FAIL });
    expect(calls).toEqual(["a"]);
    expect(state).toBe("failed");
  });

  test("the run waits for the last page of what follows", async ({ submit, driver, runState, stepState }) => {
    const plan = wideSuccessors(7);
    const run = await submit(plan);
    const worker = await driver(plan, { pageLimit: 3 });
    await worker.succeed((await worker.take())[0] as Grant);
    const { grants } = await worker.exchange([], { slots: 20 });
    expect(grants.map(({ lease }) => lease.address)).toEqual(["c0", "c1", "c2"]);
    for (const grant of grants) await worker.succeed(grant);
    const [page] = (await worker.takeControl(1)) as [Grant];
    expect(page).toMatchObject({
      phase: "advance",
      cursor: 3,
      outcome: "succeeded",
      lease: { address: "a" },
    });
    expect(await runState(run)).toBe("running");
    expect(await worker.control(page)).toBe("accepted");
    expect(await worker.control(page)).toBe("stale");
    await worker.finish();
    expect(await stepState(run, "join")).toBe("succeeded");
    expect(await runState(run)).toBe("succeeded");
  });
}
