import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, fromItem, fromStep, mapStep, planOf, taskStep, wire } from "../plans.js";
import type { BenchTest } from "./bench.js";

/** A map, whose body has an inlined dag, beside an inlined dag. */
const besides = () =>
  planOf("besides", [
    mapStep("item[]", fromInput("list")),
    taskStep("item", { in: "item[]", input: wire(fromItem("item[]")) }),
    dagStep("inner", { in: "item[]", after: ["item"] }),
    taskStep("inner/deep", { in: "inner" }),
    dagStep("site"),
    taskStep("site/page", { in: "site" }),
    taskStep("join", { after: ["item[]", "site"], input: wire(fromStep("item[]", "length")) }),
  ]);

/** What one exchange says of several steps of a run, of which some are inside maps. */
export function mixedExchanges(test: BenchTest): void {
  test("an inlined dag is entered in the exchange in which a child of a map succeeds", async (bench) => {
    const run = await bench.submit(besides(), { list: [1, 2] });
    const worker = await bench.driver(besides());
    const control = await worker.takeControl();
    const site = control.find(({ phase }) => phase === "enter") as Grant;
    await worker.control(control.find(({ phase }) => phase === "expand") as Grant);
    const [child] = (await worker.exchange([], { slots: 1 })).grants as [Grant];
    const entered = await worker.work.control(site, worker.session.id);
    const { results } = await worker.exchange([await worker.success(child), ...entered]);
    expect(results).toEqual(["accepted", "accepted"]);
    expect(await bench.stepState(run, "site/page")).toBe("ready");
    await worker.finish();
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("what follows may be nothing, though it is said where that should stand", async (bench) => {
    const run = await bench.submit(planOf("alone", [taskStep("only")]));
    const worker = await bench.driver(planOf("alone", [taskStep("only")]));
    const [grant] = (await worker.take(1)) as [Grant];
    const success = await worker.success(grant);
    const follow = { successors: { items: [] }, hop: true };
    expect((await worker.exchange([{ ...success, follow } as typeof success])).results).toEqual(["accepted"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("what an exchange makes ready in a map, and its own session does not serve, is left for others", async (bench) => {
    const run = await bench.submit(besides(), { list: [1, 2, 3] });
    const other = await bench.driver(besides(), { serves: ["item"] });
    const [last, ...others] = (await other.take(3)) as [Grant, ...Grant[]];
    for (const each of others) await other.succeed(each);
    const dags = await other.takeControl();
    expect(dags.map(({ phase, lease }) => [phase, lease.address])).toEqual([
      ["enter", "inner[1]"],
      ["enter", "inner[2]"],
    ]);
    const entered = await Promise.all(dags.map((dag) => other.work.control(dag, other.session.id)));
    await other.exchange([await other.success(last), ...entered.flat()], { slots: 10 });
    const worker = await bench.driver(besides());
    await worker.finish();
    expect(await bench.runState(run)).toBe("succeeded");
  });
}
