import type { Grant, JsonValue } from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, fromItem, fromStep, mapStep, planOf, taskStep, wire } from "../plans.js";
import { inlined, mapInMap, mapped, mappedDiamond } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { type Acts, begin, retry, work } from "./retry-work.js";

export function retryingBodies(test: BenchTest): void {
  test(
    "of a wide map only those that failed run again, and the join sees all outputs in order",
    async (bench) => {
      const count = bench.faulty ? 40 : 1_200;
      const plan = planOf(
        "wide",
        [
          mapStep("item[]", fromInput("list")),
          taskStep("item", { in: "item[]", input: wire(fromItem("item[]")) }),
          taskStep("join", { after: ["item[]"], input: wire(fromStep("item[]")) }),
        ],
        { failure: "continue" },
      );
      const list = Array.from({ length: count }, (_, i) => i);
      const broken = [3, 17, count - 1].map((i) => `item[${i}]`);
      const acts: Acts = Object.fromEntries(broken.map((each) => [each, FAIL]));
      const { run } = await begin(bench, plan, acts, { input: { list } });
      await retry(bench, run);
      expect(await bench.store.getStep(run, "item[]")).toMatchObject({
        ...{ state: "expanding", count, members: count, settled: count - 3 },
      });
      const seen: JsonValue[] = [];
      const worker = await bench.driver(plan, {
        script: ({ address, input }) => {
          seen.push(address === "join" ? (input as JsonValue) : address);
          return { succeed: address };
        },
      });
      await worker.finish();
      expect(seen.slice(0, -1).sort()).toEqual([...broken].sort());
      expect(seen.at(-1)).toEqual(list.map((i) => `item[${i}]`));
      expect(await bench.runState(run)).toBe("succeeded");
    },
    { timeoutMs: 60_000 },
  );

  test(
    "a map of which more failed than one transaction takes goes on as a whole",
    async (bench) => {
      const count = bench.faulty ? 30 : 1_300;
      const list = Array.from({ length: count }, (_, i) => i);
      const acts: Acts = Object.fromEntries(list.map((i) => [`item[${i}]`, FAIL]));
      const { run } = await begin(bench, mapped("continue"), acts, { input: { list } });
      await retry(bench, run);
      expect(await bench.store.countSteps(run)).toContainEqual({ name: "item", counts: { ready: count } });
      expect(await work(bench, mapped())).toHaveLength(count + 1);
      expect(await bench.runState(run)).toBe("succeeded");
    },
    { timeoutMs: 60_000 },
  );

  test("in a map in a map, the way up to the run is opened again, and nothing else", async (bench) => {
    const list = [[1, 2], [3], [4, 5]];
    const { run } = await begin(bench, mapInMap(), { "cell[1][0]": FAIL }, { input: { list } });
    const before = await bench.stepStates(run, "cell[0][]", "cell[1][]", "cell[][]");
    expect(before).toMatchObject({ "cell[1][]": "failed", "cell[][]": "failed" });
    await retry(bench, run);
    expect(await bench.stepState(run, "cell[][]")).toBe("expanding");
    const calls = await work(bench, mapInMap());
    expect(calls).toContain("cell[1][0]");
    expect(calls.at(-1)).toBe("join");
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "cell[][]")).toBe(3);
  });

  test("an instance of a map's body goes on where it failed", async (bench) => {
    const acts = { "b[1]": FAIL, "c[2]": FAIL };
    const plan = { ...mappedDiamond(), failure: "continue" as const };
    const { run } = await begin(bench, plan, acts, { input: { list: [7, 8, 9] } });
    await retry(bench, run);
    expect(await work(bench, plan)).toEqual(["b[1]", "c[2]", "d[1]", "d[2]", "join"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("an inlined dag keeps its input and goes on where it failed", async (bench) => {
    const { run } = await begin(bench, inlined(), { "site/parse": FAIL });
    expect(await bench.stepState(run, "site")).toBe("failed");
    await retry(bench, run);
    expect(await bench.stepState(run, "site")).toBe("expanding");
    expect(await work(bench, inlined())).toEqual(["after", "site/parse"]);
    expect(await bench.value(run, "site:input")).toBe("before");
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map or an inlined dag that could not begin does so now", async (bench) => {
    for (const plan of [mapped(), inlined({ parses: true })]) {
      const run = await bench.submit(plan, { list: [1, 2] });
      const worker = await bench.driver(plan);
      if (plan.name === "inlined") await worker.succeed((await worker.take())[0] as Grant);
      await worker.fail((await worker.takeControl(1))[0] as Grant, "no list");
      await worker.finish();
      expect(await bench.runState(run)).toBe("failed");
      await retry(bench, run);
      await worker.finish();
      expect(await bench.runState(run), plan.name).toBe("succeeded");
      await bench.store.closeSession(worker.session.id);
    }
  });

  test("a body in a body that a stop has cancelled is opened as well", async (bench) => {
    const plan = planOf("two-bodies", [
      dagStep("outer"),
      taskStep("outer/x", { in: "outer" }),
      dagStep("outer/inner", { in: "outer", after: ["outer/x"] }),
      taskStep("outer/inner/y", { in: "outer/inner" }),
      taskStep("outer/inner/z", { in: "outer/inner", after: ["outer/inner/y"] }),
      taskStep("aside"),
      taskStep("end", { after: ["outer", "aside"] }),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    const byName = async (name: string) => {
      const grants = await worker.take(1);
      expect(grants[0]?.lease.address).toBe(name);
      return grants[0] as Grant;
    };
    const aside = await byName("aside");
    await worker.succeed(await byName("outer/x"));
    const y = await byName("outer/inner/y");
    await worker.fail(aside);
    await worker.succeed(y);
    await worker.finish();
    expect(await bench.stepStates(run, "outer", "outer/inner", "outer/inner/z")).toEqual({
      ...{ outer: "cancelled", "outer/inner": "cancelled", "outer/inner/z": "cancelled" },
    });
    expect(await bench.runState(run)).toBe("failed");
    await retry(bench, run);
    expect(await work(bench, plan)).toEqual(["aside", "end", "outer/inner/z"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });
}
