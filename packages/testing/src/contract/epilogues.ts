import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, onFailureStep, planOf, taskStep, wire } from "../plans.js";
import { watched } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL, play } from "./graph.js";

export function epilogues(test: BenchTest): void {
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
    const plan = planOf("mended", [
      ...watched().steps,
      taskStep("rescue", { after: ["a"], trigger: "one_failed" }),
    ]);
    expect(await play(bench, plan, { a: FAIL })).toMatchObject({
      state: "succeeded",
      calls: ["a", "rescue"],
    });
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
}
