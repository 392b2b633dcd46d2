import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, mapStep, planOf, taskStep } from "../plans.js";
import { caught } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL, play } from "./graph.js";

const modes = ["stop", "continue"] as const;

export function catching(test: BenchTest): void {
  for (const mode of modes) {
    test(`a failure all of whose catchers succeed does not fail the run (${mode})`, async (bench) => {
      const { run, calls, state } = await play(bench, caught(mode), { a: FAIL });
      expect(calls).toEqual(["a", "rescue", "clean"]);
      expect(state).toBe("succeeded");
      expect(await bench.stepStates(run, "a", "b")).toEqual({ a: "failed", b: "cancelled" });
      expect((await bench.store.getRun(run))?.failure).toBeUndefined();
    });

    test(`a run without failure skips its catch and runs its finally (${mode})`, async (bench) => {
      const { run, calls, state } = await play(bench, caught(mode));
      expect([...calls].sort()).toEqual(["a", "b", "clean"]);
      expect(state).toBe("succeeded");
      expect(await bench.store.getStep(run, "rescue")).toMatchObject({ state: "skipped", reason: "parent" });
    });

    test(`a failure whose catcher fails fails the run; finally still runs (${mode})`, async (bench) => {
      const { calls, state } = await play(bench, caught(mode), { a: FAIL, rescue: FAIL });
      expect([...calls].sort()).toEqual(["a", "clean", "rescue"]);
      expect(state).toBe("failed");
    });
  }

  test("a failure is rescued only when all its catchers succeed", async (bench) => {
    const plan = planOf("two-catchers", [
      taskStep("a"),
      taskStep("c1", { after: ["a"], trigger: "one_failed" }),
      taskStep("c2", { after: ["a"], trigger: "one_failed" }),
    ]);
    expect((await play(bench, plan, { a: FAIL })).state).toBe("succeeded");
    expect((await play(bench, plan, { a: FAIL, c1: FAIL })).state).toBe("failed");
    expect((await play(bench, plan, { a: FAIL, c2: FAIL })).state).toBe("failed");
  });

  test("a catcher that is skipped by its `when` rescues nothing", async (bench) => {
    const plan = planOf("unwilling", [
      taskStep("a"),
      taskStep("c", { after: ["a"], trigger: "one_failed", when: fromInput() }),
    ]);
    expect((await play(bench, plan, { a: FAIL }, false)).state).toBe("failed");
    expect((await play(bench, plan, { a: FAIL }, true)).state).toBe("succeeded");
  });

  test("a failure of which one catcher succeeded and another was skipped is not rescued", async (bench) => {
    const plan = planOf("half-caught", [
      taskStep("a"),
      taskStep("c1", { after: ["a"], trigger: "one_failed" }),
      taskStep("c2", { after: ["a"], trigger: "one_failed", when: fromInput() }),
    ]);
    const { run, calls, state } = await play(bench, plan, { a: FAIL }, false);
    expect([calls, state]).toEqual([["a", "c1"], "failed"]);
    expect(JSON.parse((await bench.store.getRun(run))?.failure as string)).toMatchObject({ step: "a" });
  });

  test("one catcher may rescue several steps", async (bench) => {
    const plan = planOf("several", [
      taskStep("a"),
      taskStep("b"),
      taskStep("c", { after: ["a", "b"], trigger: "one_failed" }),
    ]);
    expect(await play(bench, plan, { a: FAIL, b: FAIL })).toMatchObject({
      state: "succeeded",
      calls: ["a", "b", "c"],
    });
    expect((await play(bench, plan, { b: FAIL })).state).toBe("succeeded");
  });

  test("in mode stop, a failure stops the run only when its catchers have had their turn", async (bench) => {
    const plan = planOf("pending", [
      taskStep("a"),
      taskStep("rescue", { after: ["a"], trigger: "one_failed" }),
      taskStep("other"),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    const [a] = (await worker.take(1)) as [Grant];
    await worker.fail(a);
    const [other, rescue] = (await worker.take(2)) as [Grant, Grant];
    expect([other.lease.address, rescue.lease.address]).toEqual(["other", "rescue"]);
    await worker.succeed(rescue);
    await worker.succeed(other);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("an inlined dag that catches rescues as a task does", async (bench) => {
    const plan = planOf("dag-catches", [
      taskStep("a"),
      dagStep("mend", { after: ["a"], trigger: "one_failed" }),
      taskStep("mend/x", { in: "mend" }),
      taskStep("mend/y", { in: "mend", after: ["mend/x"] }),
    ]);
    const good = await play(bench, plan, { a: FAIL });
    expect(good).toMatchObject({ state: "succeeded", calls: ["a", "mend/x", "mend/y"] });
    expect((await play(bench, plan, { a: FAIL, "mend/x": FAIL })).state).toBe("failed");
  });

  test("a map that catches rescues as a task does", async (bench) => {
    const plan = planOf("map-catches", [
      taskStep("a"),
      mapStep("fix[]", fromInput("list"), { after: ["a"], trigger: "one_failed" }),
      taskStep("fix", { in: "fix[]" }),
    ]);
    expect((await play(bench, plan, { a: FAIL }, { list: [1, 2] })).state).toBe("succeeded");
    expect((await play(bench, plan, { a: FAIL }, { list: [] })).state).toBe("succeeded");
    expect((await play(bench, plan, { a: FAIL, "fix[1]": FAIL }, { list: [1, 2] })).state).toBe("failed");
  });

  test("a failure inside a caught inlined dag does not stop the run", async (bench) => {
    const plan = planOf("caught-dag", [
      dagStep("site"),
      taskStep("site/x", { in: "site" }),
      taskStep("rescue", { after: ["site"], trigger: "one_failed" }),
      taskStep("other"),
    ]);
    const { run, calls, state } = await play(bench, plan, { "site/x": FAIL });
    expect([...calls].sort()).toEqual(["other", "rescue", "site/x"]);
    expect(state).toBe("succeeded");
    expect(await bench.store.getStep(run, "site")).toMatchObject({ state: "failed", reason: "body" });
  });

  test("catch and finally bodies run to their end in a run that is stopped", async (bench) => {
    const plan = planOf("sheltered", [
      taskStep("a"),
      taskStep("b"),
      dagStep("clean", { after: ["a"], trigger: "all_done" }),
      taskStep("clean/x", { in: "clean" }),
      taskStep("clean/y", { in: "clean", after: ["clean/x"] }),
    ]);
    const { run, calls, state } = await play(bench, plan, { b: FAIL, "clean/z": FAIL });
    expect(calls).toEqual(expect.arrayContaining(["a", "b", "clean/x", "clean/y"]));
    expect(state).toBe("failed");
    expect(await bench.stepState(run, "clean")).toBe("succeeded");
  });
}
