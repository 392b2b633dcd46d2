import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import {
  dagStep,
  fromInput,
  fromItem,
  fromStep,
  literal,
  mapStep,
  planOf,
  taskStep,
  wire,
} from "../plans.js";
import { inlined } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL, play } from "./graph.js";

/** An inlined dag that starts with `width` steps. */
const wideDag = (width: number) =>
  planOf("wide-dag", [
    dagStep("site"),
    ...Array.from({ length: width }, (_, i) => taskStep(`site/e${i}`, { in: "site", task: "e" })),
    taskStep("after", { after: ["site"], input: literal(null) }),
  ]);

export function dags(test: BenchTest): void {
  test("an inlined dag reads its own input, and its output is what its steps answered", async (bench) => {
    const run = await bench.submit(inlined());
    const seen: unknown[] = [];
    const worker = await bench.driver(inlined(), {
      script: ({ address, input }) => {
        seen.push([address, input]);
        return { succeed: `out of ${address}` };
      },
    });
    await worker.finish();
    expect(seen).toEqual([
      ["before", {}],
      ["site/fetch", "out of before"],
      ["site/parse", { "site/fetch": "out of site/fetch" }],
      ["after", "out of site/parse"],
    ]);
    expect(await bench.value(run, "site:input")).toBe("out of before");
    expect(await bench.store.readValues(run, ["site"])).toEqual({ site: "null" });
    expect(await bench.store.getStep(run, "site")).toMatchObject({
      state: "succeeded",
      members: 2,
      settled: 2,
    });
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("an inlined dag without steps succeeds when it is entered", async (bench) => {
    const plan = planOf("hollow", [
      dagStep("site"),
      taskStep("after", { after: ["site"], input: literal(null) }),
    ]);
    expect(await play(bench, plan)).toMatchObject({ state: "succeeded", calls: ["after"] });
  });

  test("an inlined dag starts with more steps than a page holds", async (bench) => {
    const { calls, state } = await play(bench, wideDag(1_200));
    expect([new Set(calls).size, calls.at(-1), state]).toEqual([1_201, "after", "succeeded"]);
  });

  test("who enters a dag and vanishes half way is followed by another, at the same page", async (bench) => {
    const plan = wideDag(8);
    const run = await bench.submit(plan);
    const first = await bench.driver(plan, { pageLimit: 3 });
    const [grant] = (await first.takeControl(1)) as [Grant];
    const [page] = await first.work.control(grant, first.session.id);
    expect((await first.exchange([page as never])).results).toEqual(["accepted"]);
    const started = await first.take(10);
    expect(started).toHaveLength(3);
    for (const each of started) await first.succeed(each);
    expect(await bench.stepState(run, "site")).toBe("running");
    await bench.store.closeSession(first.session.id);
    const second = await bench.driver(plan, { pageLimit: 3 });
    const [resumed] = (await second.takeControl(1)) as [Grant];
    expect(resumed).toMatchObject({ phase: "enter", cursor: 3, lost: 0 });
    await second.control(resumed);
    expect(await second.finish()).toBe(6);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a failed member fails its dag, and what waits for the dag is cancelled", async (bench) => {
    const { run, calls, state } = await play(bench, inlined({ failure: "continue" }), { "site/fetch": FAIL });
    expect([calls, state]).toEqual([["before", "site/fetch"], "failed"]);
    expect(await bench.store.getStep(run, "site")).toMatchObject({ state: "failed", reason: "body" });
    expect(await bench.stepStates(run, "site/parse", "after")).toEqual({
      "site/parse": "cancelled",
      after: "cancelled",
    });
    expect(JSON.parse((await bench.store.getRun(run))?.failure as string).step).toBe("site/fetch");
  });

  test("an inlined dag in a map has an instance for each element", async (bench) => {
    const plan = planOf("sites", [
      mapStep("site[]", fromInput("list"), { output: wire(fromStep("site")) }),
      dagStep("site", {
        in: "site[]",
        input: wire(fromItem("site[]")),
        output: wire(fromStep("site/fetch")),
      }),
      taskStep("site/fetch", { in: "site", input: wire({ from: "input", of: "site", path: [] }) }),
      taskStep("join", { after: ["site[]"], input: wire(fromStep("site[]")) }),
    ]);
    const run = await bench.submit(plan, { list: ["x", "y"] });
    const seen: Record<string, unknown> = {};
    const worker = await bench.driver(plan, {
      script: ({ address, input }) => {
        seen[address] = input;
        return { succeed: address };
      },
    });
    await worker.finish();
    expect(seen).toEqual({
      "site[0]/fetch": "x",
      "site[1]/fetch": "y",
      join: ["site[0]/fetch", "site[1]/fetch"],
    });
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map in an inlined dag joins inside it", async (bench) => {
    const plan = planOf("crawl", [
      dagStep("site", { input: wire(fromInput()), output: wire(fromStep("site/sum")) }),
      mapStep("site/item[]", { from: "input", of: "site", path: ["list"] }, { in: "site" }),
      taskStep("site/item", { in: "site/item[]", input: wire(fromItem("site/item[]")) }),
      taskStep("site/sum", { in: "site", after: ["site/item[]"], input: wire(fromStep("site/item[]")) }),
    ]);
    const { run, calls, state } = await play(bench, plan, {}, { list: [1, 2] });
    expect([calls, state]).toEqual([["site/item[0]", "site/item[1]", "site/sum"], "succeeded"]);
    expect(await bench.value(run, "site/item[]")).toBe(2);
  });

  test("a condition decides over a whole inlined dag", async (bench) => {
    const plan = planOf("maybe", [
      dagStep("site", { when: fromInput("flag") }),
      taskStep("site/fetch", { in: "site" }),
      taskStep("after", { after: ["site"], trigger: "none_failed", input: literal(null) }),
    ]);
    expect((await play(bench, plan, {}, { flag: false })).calls).toEqual(["after"]);
    expect((await play(bench, plan, {}, { flag: true })).calls).toEqual(["site/fetch", "after"]);
  });
}
