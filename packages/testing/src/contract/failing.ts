import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, mapStep, onFailureStep, planOf, taskStep, wire } from "../plans.js";
import { caught, watched } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL, play } from "./graph.js";

const modes = ["stop", "continue"] as const;

export function failing(test: BenchTest): void {
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

  test("one catcher may rescue several steps", async (bench) => {
    const plan = planOf(
      "several",
      [taskStep("a"), taskStep("b"), taskStep("c", { after: ["a", "b"], trigger: "one_failed" })],
    );
    expect(await play(bench, plan, { a: FAIL, b: FAIL })).toMatchObject({ state: "succeeded", calls: ["a", "b", "c"] });
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

  test("onFailure runs when all else has settled, reads what failed, and never changes the outcome", async (bench) => {
    for (const act of [{ succeed: 1 }, FAIL]) {
      const run = await bench.submit(watched());
      const seen: unknown[] = [];
      const worker = await bench.driver(watched(), {
        script: ({ address, input }) => {
          if (address === "a") return FAIL;
          seen.push(address, input);
          return act;
        },
      });
      await worker.finish();
      expect(seen).toEqual(["~onFailure/tell", { step: "a", error: { name: "Error", message: "broken" } }]);
      expect(await bench.runState(run)).toBe("failed");
      expect(JSON.parse((await bench.store.getRun(run))?.failure as string)).toMatchObject({ step: "a" });
    }
  });

  test("the run goes on until its onFailure body has ended", async ({ submit, driver, runState }) => {
    const run = await submit(watched());
    const worker = await driver(watched());
    await worker.fail((await worker.take())[0] as Grant);
    const [tell] = (await worker.take()) as [Grant];
    expect(await runState(run)).toBe("running");
    await worker.succeed(tell);
    expect(await worker.finish()).toBe(0);
    expect(await runState(run)).toBe("failed");
  });

  test("onFailure does not run when nothing failed", async (bench) => {
    const { calls, state } = await play(bench, watched());
    expect([calls, state]).toEqual([["a", "b"], "succeeded"]);
  });

  test("onFailure does not run after a rescue, nor on cancel", async (bench) => {
    const plan = planOf("mended", [...watched().steps, taskStep("rescue", { after: ["a"], trigger: "one_failed" })]);
    expect(await play(bench, plan, { a: FAIL })).toMatchObject({ state: "succeeded", calls: ["a", "rescue"] });
    const run = await bench.submit(watched());
    const worker = await bench.driver(watched());
    const [a] = (await worker.take()) as [Grant];
    await bench.store.cancel(run);
    await worker.fail(a);
    expect(await worker.finish()).toBe(0);
    expect(await bench.runState(run)).toBe("cancelled");
  });

  test("an inlined dag's onFailure runs before the dag has failed, with its own failure and input", async (bench) => {
    const plan = planOf("inner", [
      dagStep("site", { input: wire(fromInput("list")) }),
      taskStep("site/x", { in: "site" }),
      onFailureStep("site"),
      taskStep("site/~onFailure/tell", {
        ...{ in: "site/~onFailure", task: "tell" },
        input: {
          value: { failure: null, input: null },
          wires: [
            { at: ["failure"], source: { from: "failure", of: "site", path: ["step"] } },
            { at: ["input"], source: { from: "input", of: "site", path: [] } },
          ],
        },
      }),
      taskStep("rescue", { after: ["site"], trigger: "one_failed" }),
    ]);
    const run = await bench.submit(plan, { list: [7] });
    const seen: unknown[] = [];
    const worker = await bench.driver(plan, {
      script: ({ address, input }) => {
        if (address === "site/x") return FAIL;
        seen.push([address, input]);
        return { succeed: null };
      },
    });
    await worker.finish();
    expect(seen).toEqual([
      ["site/~onFailure/tell", { failure: "site/x", input: [7] }],
      ["rescue", {}],
    ]);
    expect(await bench.runState(run)).toBe("succeeded");
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
