import type { Plan } from "@jobbers/core";
import { expect } from "vitest";
import type { Act } from "../driver.js";
import { dagStep, fromInput, planOf, taskStep } from "../plans.js";
import { caught, watched } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

/** a, caught by c1 and c2; b follows a. */
const twiceCaught = (): Plan =>
  planOf("twice-caught", [
    taskStep("a"),
    taskStep("b", { after: ["a"] }),
    taskStep("c1", { after: ["a"], trigger: "one_failed" }),
    taskStep("c2", { after: ["a"], trigger: "one_failed" }),
  ]);

/** try: its body fails and is rescued; then something else fails. */
const triedAside = (): Plan =>
  planOf("tried-aside", [
    dagStep("try"),
    taskStep("try/x", { in: "try" }),
    taskStep("try/y", { in: "try", after: ["try/x"] }),
    taskStep("next", { after: ["try"] }),
    taskStep("rescue", { after: ["try"], trigger: "one_failed" }),
    taskStep("other", { after: ["rescue"] }),
  ]);

export function retryingCatches(test: BenchTest): void {
  test("a failure that was rescued is kept, with all that lies in its body", async (bench) => {
    const { run } = await begin(bench, triedAside(), { "try/x": FAIL, other: FAIL });
    expect(await bench.runState(run)).toBe("failed");
    await retry(bench, run);
    expect(await work(bench, triedAside())).toEqual(["other"]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.stepStates(run, "try", "try/x", "try/y", "next")).toEqual({
      ...{ try: "failed", "try/x": "failed", "try/y": "cancelled", next: "cancelled" },
    });
  });

  test("a failure whose catcher failed runs again; succeeding, it has no need of catching", async (bench) => {
    const { run } = await begin(bench, caught(), { a: FAIL, rescue: FAIL });
    expect(await bench.runState(run)).toBe("failed");
    await retry(bench, run);
    expect(await bench.stepStates(run, "a", "b", "rescue", "clean")).toEqual({
      ...{ a: "ready", b: "blocked", rescue: "blocked", clean: "succeeded" },
    });
    expect(await work(bench, caught())).toEqual(["a", "b"]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.stepState(run, "rescue")).toBe("skipped");
  });

  test("failing again it is caught anew, by those who had failed at that", async (bench) => {
    const { run } = await begin(bench, caught(), { a: FAIL, rescue: FAIL });
    await retry(bench, run);
    expect(await work(bench, caught(), { a: FAIL })).toEqual(["a", "rescue"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a catcher that has succeeded does not run again, and rescues what fails again", async (bench) => {
    const { run } = await begin(bench, twiceCaught(), { a: FAIL, c1: FAIL });
    expect(await bench.runState(run)).toBe("failed");
    await retry(bench, run);
    expect(await work(bench, twiceCaught(), { a: FAIL })).toEqual(["a", "c1"]);
    expect(await bench.runState(run)).toBe("succeeded");

    const other = (await begin(bench, twiceCaught(), { a: FAIL, c2: FAIL })).run;
    await retry(bench, other);
    expect(await work(bench, twiceCaught(), { a: FAIL, c2: FAIL })).toEqual(["a", "c2"]);
    expect(await bench.runState(other)).toBe("failed");
  });

  test("a failure that such a catcher has rescued is kept, as any that was", async (bench) => {
    const plan = planOf("then", [...twiceCaught().steps, taskStep("z", { after: ["c1", "c2"] })]);
    const { run } = await begin(bench, plan, { a: FAIL, c1: FAIL });
    await retry(bench, run);
    expect(await work(bench, plan, { a: FAIL, z: FAIL })).toEqual(["a", "c1", "z"]);
    await retry(bench, run);
    expect(await work(bench, plan)).toEqual(["z"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a finally step that failed waits for what runs again before it", async (bench) => {
    const { run } = await begin(bench, caught(), { a: FAIL, rescue: FAIL, clean: FAIL });
    await retry(bench, run);
    const worker = await bench.driver(caught());
    expect((await worker.take(5)).map(({ lease }) => lease.address)).toEqual(["a"]);
    await bench.store.closeSession(worker.session.id);
    expect(await work(bench, caught())).toEqual(["a", "b", "clean"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a step that its condition skipped stays skipped, and says so to those that run again", async (bench) => {
    const plan = planOf("choosy", [
      taskStep("a", { when: fromInput() }),
      taskStep("b"),
      taskStep("c", { after: ["a", "b"] }),
      taskStep("d", { after: ["a", "b"], trigger: "none_failed" }),
      taskStep("e", { after: ["c"] }),
      taskStep("f", { after: ["a"] }),
    ]);
    const { run } = await begin(bench, plan, { b: FAIL }, { input: false });
    expect(await bench.runState(run)).toBe("failed");
    await retry(bench, run);
    const before = await bench.store.getStep(run, "f");
    expect(await work(bench, plan)).toEqual(["b", "d"]);
    expect((await bench.store.getStep(run, "f"))?.fence).toBeGreaterThanOrEqual(before?.fence as number);
    const skipped = "skipped";
    expect(await bench.stepStates(run, "a", "c", "e", "f")).toEqual({
      ...{ a: skipped, c: skipped, e: skipped, f: skipped },
    });
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("what was skipped says so to all that wait for it, page by page", async (bench) => {
    const followers = Array.from({ length: 7 }, (_, i) =>
      taskStep(`c${i}`, { after: ["a", "b"], trigger: "none_failed" }),
    );
    const plan = planOf("many-told", [taskStep("a", { when: fromInput() }), taskStep("b"), ...followers]);
    const run = await bench.submit(plan, false);
    let act: Act = FAIL;
    const script = ({ address }: { address: string }) => (address === "b" ? act : { succeed: null });
    const worker = await bench.driver(plan, { pageLimit: 3, script });
    await worker.finish();
    await retry(bench, run);
    act = { succeed: null };
    expect(await worker.finish()).toBe(8);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a condition is judged again after a parent that runs again", async (bench) => {
    const when = { from: "or", args: [], path: [] } as const;
    const plan = planOf("judged-again", [
      taskStep("a"),
      taskStep("b", {
        ...{ after: ["a"], trigger: "all_done" },
        when: {
          ...when,
          args: [
            { value: null, wires: [{ at: [], source: { from: "step", step: "a", path: [] } }] },
            { value: false, wires: [] },
          ],
        },
      }),
    ]);
    const { run } = await begin(bench, plan, { a: FAIL });
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "skipped", reason: "condition" });
    await retry(bench, run);
    expect(await work(bench, plan, { a: { succeed: true } })).toEqual(["a", "b"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("an onFailure body that has begun does not run again", async (bench) => {
    for (const again of [true, false]) {
      const { run, calls } = await begin(bench, watched(), { a: FAIL });
      expect(calls).toEqual(["a", "~onFailure/tell"]);
      await retry(bench, run);
      expect(await work(bench, watched(), again ? { a: FAIL } : {})).toEqual(again ? ["a"] : ["a", "b"]);
      expect(await bench.runState(run)).toBe(again ? "failed" : "succeeded");
    }
  });

  test("an onFailure body that failed stays as it is", async (bench) => {
    const { run } = await begin(bench, watched(), { a: FAIL, "~onFailure/tell": FAIL });
    await retry(bench, run);
    expect(await work(bench, watched())).toEqual(["a", "b"]);
    expect(await bench.stepState(run, "~onFailure/tell")).toBe("failed");
    expect(await bench.runState(run)).toBe("succeeded");
  });
}
