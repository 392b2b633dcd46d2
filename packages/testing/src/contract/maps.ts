import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, fromItem, fromStep, mapStep, planOf, taskStep, wire } from "../plans.js";
import { mapInMap, mapped, mappedDiamond } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL, play } from "./graph.js";

export function maps(test: BenchTest): void {
  test("a map runs its body once for each element, and joins once", async (bench) => {
    const run = await bench.submit(mapped(), { list: ["x", "y", "z"] });
    const seen: unknown[] = [];
    const worker = await bench.driver(mapped(), {
      script: ({ address, input }) => {
        seen.push([address, input]);
        return { succeed: address };
      },
    });
    await worker.finish();
    expect(seen).toEqual([
      ["item[0]", "x"],
      ["item[1]", "y"],
      ["item[2]", "z"],
      ["join", 3],
    ]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "item[]")).toBe(3);
    expect(await bench.value(run, "item[]:1")).toBe("y");
    expect(await bench.store.getStep(run, "item[]")).toMatchObject({
      state: "succeeded",
      count: 3,
      members: 3,
      settled: 3,
    });
  });

  test("a map that is laid out is expanding until its last member has settled", async ({
    store,
    submit,
    driver,
  }) => {
    const run = await submit(mapped(), { list: [1, 2] });
    const worker = await driver(mapped());
    const [first, second] = (await worker.take(2)) as [Grant, Grant];
    expect(await store.getStep(run, "item[]")).toMatchObject({
      state: "expanding",
      count: 2,
      members: 2,
      settled: 0,
    });
    await worker.succeed(first);
    expect(await store.getStep(run, "item[]")).toMatchObject({ state: "expanding", settled: 1 });
    await worker.succeed(second);
    expect((await worker.take())[0]?.lease.address).toBe("join");
  });

  test("an empty map succeeds with an empty list", async (bench) => {
    const { run, calls, state } = await play(bench, mapped(), {}, { list: [] });
    expect([calls, state]).toEqual([["join"], "succeeded"]);
    expect(await bench.value(run, "item[]")).toBe(0);
  });

  test("a map with an empty body succeeds when it is laid out", async (bench) => {
    const plan = planOf("hollow", [
      mapStep("hollow[]", fromInput("list"), { output: wire(fromItem("hollow[]")) }),
      taskStep("join", { after: ["hollow[]"], input: wire(fromStep("hollow[]")) }),
    ]);
    const run = await bench.submit(plan, { list: [1, 2, 3, 4, 5] });
    const seen: unknown[] = [];
    const worker = await bench.driver(plan, {
      script: ({ input }) => {
        seen.push(input);
        return { succeed: null };
      },
    });
    await worker.finish();
    expect(seen).toEqual([[1, 2, 3, 4, 5]]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map in a map joins all instances, empty ones too", async (bench) => {
    const run = await bench.submit(mapInMap(), { list: [[1, 2], [], [3]] });
    const seen: Record<string, unknown> = {};
    const worker = await bench.driver(mapInMap(), {
      script: ({ address, input }) => {
        seen[address] = input;
        return { succeed: address };
      },
    });
    await worker.finish();
    expect(seen).toEqual({
      ...{ "cell[0][0]": 1, "cell[0][1]": 2, "cell[2][0]": 3 },
      join: [["cell[0][0]", "cell[0][1]"], [], ["cell[2][0]"]],
    });
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "cell[][]")).toBe(3);
    expect(await bench.value(run, "cell[2][]")).toBe(1);
  });

  test("a body of several steps runs as a graph in each instance", async (bench) => {
    const { calls, state, run } = await play(bench, mappedDiamond(), {}, { list: [0, 1, 2] });
    expect(calls).toHaveLength(13);
    expect(calls.at(-1)).toBe("join");
    for (const i of [0, 1, 2]) expect(calls.indexOf(`d[${i}]`)).toBeGreaterThan(calls.indexOf(`c[${i}]`));
    expect(state).toBe("succeeded");
    expect(await bench.store.getStep(run, "d[]")).toMatchObject({ members: 12, settled: 12 });
  });

  test("a map fails when a member failed, after all members have settled", async (bench) => {
    const { run, calls, state } = await play(
      bench,
      mapped("continue"),
      { "item[1]": FAIL },
      { list: [1, 2, 3] },
    );
    expect([...calls].sort()).toEqual(["item[0]", "item[1]", "item[2]"]);
    expect(state).toBe("failed");
    expect(await bench.store.getStep(run, "item[]")).toMatchObject({
      state: "failed",
      reason: "body",
      settled: 3,
    });
    expect(await bench.store.getStep(run, "join")).toMatchObject({ state: "cancelled", reason: "parent" });
    const failure = JSON.parse((await bench.store.getRun(run))?.failure as string);
    expect(failure).toMatchObject({ error: { message: "broken" } });
    expect(failure.step).toBe("item[1]");
  });

  test("in mode stop, a failed instance cancels those that have not started, in all maps", async (bench) => {
    const { submit, driver, runState, stepState } = bench;
    const run = await submit(mapped(), { list: [1, 2, 3, 4] });
    const worker = await driver(mapped());
    const [first, second] = (await worker.take(2)) as [Grant, Grant];
    await worker.fail(first);
    await worker.succeed(second);
    expect(await worker.finish()).toBe(0);
    expect(await stepState(run, "item[3]")).toBe("cancelled");
    expect(await runState(run)).toBe("failed");
  });

  test("a map whose members were stopped by a failure elsewhere is cancelled", async (bench) => {
    const plan = planOf("aside", [...mapped().steps, taskStep("bad")]);
    const run = await bench.submit(plan, { list: [1, 2, 3] });
    const worker = await bench.driver(plan);
    const grants = await worker.take(2);
    const bad = grants.find(({ lease }) => lease.address === "bad") as Grant;
    await worker.fail(bad);
    for (const grant of grants) if (grant !== bad) await worker.succeed(grant);
    await worker.finish();
    expect(await bench.store.getStep(run, "item[]")).toMatchObject({ state: "cancelled", reason: "body" });
    expect(await bench.stepState(run, "join")).toBe("cancelled");
    expect(await bench.runState(run)).toBe("failed");
  });
}
