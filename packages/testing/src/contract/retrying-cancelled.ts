import type { Grant, Source } from "@jobbers/core";
import { expect } from "vitest";
import { dagStep, fromInput, fromStep, mapStep, onFailureStep, planOf, taskStep, wire } from "../plans.js";
import {
  caught,
  chain,
  diamond,
  inlined,
  manyEntries,
  mapped,
  single,
  watched,
  wideSuccessors,
} from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

const DAY_MS = 86_400_000;

export function retryingCancelled(test: BenchTest): void {
  test("a run that was cancelled before anything ran runs", async (bench) => {
    const run = await bench.submit(diamond());
    await bench.store.cancel(run);
    await retry(bench, run);
    expect(await work(bench, diamond())).toEqual(["a", "b", "c", "d"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a single task that was cancelled runs, however often its line is read", async (bench) => {
    for (const isPopped of [false, true]) {
      const run = await bench.submit(single());
      await bench.store.cancel(run);
      if (isPopped) await work(bench, single());
      await retry(bench, run);
      expect(await work(bench, single())).toEqual(["a"]);
      expect(await bench.runState(run)).toBe("succeeded");
    }
  });

  test("what succeeded while the run was being cancelled has its followers now", async (bench) => {
    const run = await bench.submit(diamond());
    const worker = await bench.driver(diamond());
    await worker.succeed((await worker.take())[0] as Grant, 1);
    const [b, c] = (await worker.take(2)) as [Grant, Grant];
    await bench.store.cancel(run);
    await worker.succeed(b, "kept");
    await worker.fail(c);
    expect(await bench.runState(run)).toBe("cancelled");
    await retry(bench, run);
    expect(await work(bench, diamond())).toEqual(["c", "d"]);
    expect(await bench.value(run, "b")).toBe("kept");
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a run all of whose steps succeeded while it was being cancelled has succeeded", async (bench) => {
    const run = await bench.submit(single());
    const worker = await bench.driver(single());
    const [grant] = (await worker.take()) as [Grant];
    await bench.store.cancel(run);
    await worker.succeed(grant, "kept");
    expect(await bench.runState(run)).toBe("cancelled");
    await retry(bench, run);
    expect(await work(bench, single())).toEqual([]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "a")).toBe("kept");
  });

  test("a run that was cancelled while it was scheduled begins at once", async (bench) => {
    for (const plan of [diamond(), manyEntries(7)]) {
      const run = await bench.submit(plan, null, { delayMs: DAY_MS });
      await bench.store.cancel(run);
      await retry(bench, run);
      expect((await work(bench, plan)).length).toBe(plan.steps.length);
      expect(await bench.runState(run)).toBe("succeeded");
      bench.clock.advance(DAY_MS);
      await bench.store.promoteDue(10);
      expect(await work(bench, plan)).toEqual([]);
    }
  });

  test("a step that waited for its next try runs at once, and once", async (bench) => {
    const run = await bench.submit(chain(2));
    const worker = await bench.driver(chain(2));
    await worker.retry((await worker.take())[0] as Grant, DAY_MS);
    await bench.store.cancel(run);
    await retry(bench, run);
    expect(await work(bench, chain(2))).toEqual(["s1", "s2"]);
    bench.clock.advance(DAY_MS);
    await bench.store.promoteDue(10);
    expect(await work(bench, chain(2))).toEqual([]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a run that is being cancelled is retried when it has ended", async (bench) => {
    const run = await bench.submit(chain(2));
    const worker = await bench.driver(chain(2));
    const [grant] = (await worker.take()) as [Grant];
    await bench.store.cancel(run);
    expect(await bench.store.retry(run)).toEqual({ status: "running" });
    expect(await bench.store.getRun(run)).toMatchObject({ cancelling: true });
    await bench.store.release(worker.session.id, [grant.lease]);
    await retry(bench, run);
    expect(await worker.exchange([])).toMatchObject({ mail: [] });
    expect(await work(bench, chain(2))).toEqual(["s1", "s2"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a retried run can be cancelled, and retried after that", async (bench) => {
    const { run } = await begin(bench, diamond(), { a: FAIL });
    for (let n = 0; n < 3; n++) {
      await retry(bench, run);
      await bench.store.cancel(run);
      expect(await bench.runState(run)).toBe("cancelled");
    }
    await retry(bench, run);
    expect(await work(bench, diamond())).toEqual(["a", "b", "c", "d"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map goes on with being laid out, wherever the cancel met it", async (bench) => {
    const list = Array.from({ length: 9 }, (_, i) => i);
    const expected = [...list.map((i) => `item[${i}]`), "join"];
    for (const pages of [0, 1, 3]) {
      const run = await bench.submit(mapped(), { list });
      const worker = await bench.driver(mapped(), { pageLimit: 3 });
      const [grant] = (await worker.takeControl(1)) as [Grant];
      for (let page = 0; page < pages; page++) {
        await worker.work.expandPage(grant, worker.session.id, page * 3);
      }
      await bench.store.cancel(run);
      await worker.control(grant);
      await bench.store.closeSession(worker.session.id);
      expect(await bench.runState(run)).toBe("cancelled");
      await retry(bench, run);
      expect(await work(bench, mapped())).toEqual(expected);
      expect(await bench.runState(run)).toBe("succeeded");
    }
  });

  test("an inlined dag goes on, entered or not", async (bench) => {
    for (const isEntered of [false, true]) {
      const run = await bench.submit(inlined());
      const worker = await bench.driver(inlined());
      await worker.succeed((await worker.take())[0] as Grant, "before");
      if (isEntered) await worker.take();
      else await worker.takeControl();
      await bench.store.cancel(run);
      await bench.store.closeSession(worker.session.id);
      await retry(bench, run);
      expect(await work(bench, inlined())).toEqual(["after", "site/fetch", "site/parse"]);
      expect(await bench.runState(run)).toBe("succeeded");
    }
  });

  test("successors of which a part had been told are told whole, each once", async (bench) => {
    const plan = wideSuccessors(9);
    for (const how of ["held", "waiting", "popped"]) {
      const run = await bench.submit(plan);
      const worker = await bench.driver(plan, { pageLimit: 3 });
      await worker.succeed((await worker.take())[0] as Grant);
      const [advance] = how === "held" ? await worker.takeControl(1) : [];
      await bench.store.cancel(run);
      if (advance) await worker.control(advance);
      if (how === "popped") await work(bench, plan);
      await bench.store.closeSession(worker.session.id);
      await retry(bench, run);
      expect(await work(bench, plan)).toHaveLength(10);
      expect(await bench.runState(run)).toBe("succeeded");
    }
  });

  test("a map that had begun with what there was for want of a list takes the list that there is now", async (bench) => {
    const list = (source: Source) => ({ value: null, wires: [{ at: [], source }] });
    const over: Source = { from: "or", args: [list(fromStep("a")), list(fromInput("list"))], path: [] };
    const plan = planOf("or-else", [
      taskStep("a"),
      mapStep("item[]", over, { after: ["a"], trigger: "all_done" }),
      taskStep("item", { in: "item[]" }),
      taskStep("join", { after: ["item[]"], input: wire(fromStep("item[]", "length")) }),
    ]);
    const run = await bench.submit(plan, { list: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
    const worker = await bench.driver(plan, { pageLimit: 3 });
    await worker.fail((await worker.take())[0] as Grant);
    const [grant] = (await worker.takeControl(1)) as [Grant];
    await worker.work.expandPage(grant, worker.session.id, 0);
    await bench.store.cancel(run);
    await bench.store.closeSession(worker.session.id);
    await retry(bench, run);
    expect(await bench.stepState(run, "item[]")).toBe("blocked");
    expect(await work(bench, plan, { a: { succeed: ["x", "y"] } })).toContain("join");
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "item[]")).toBe(2);
  });

  test("a failure that met its cancel before its catchers runs again", async (bench) => {
    const run = await bench.submit(caught());
    const worker = await bench.driver(caught());
    await worker.fail((await worker.take())[0] as Grant);
    await bench.store.cancel(run);
    await retry(bench, run);
    expect(await worker.finish()).toBe(3);
    expect(worker.calls).toEqual(expect.arrayContaining(["a", "b", "clean"]));
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("an onFailure body in the middle of which the run was cancelled is over", async (bench) => {
    for (const again of [true, false]) {
      const run = await bench.submit(watched());
      const worker = await bench.driver(watched());
      await worker.fail((await worker.take())[0] as Grant);
      expect((await worker.take())[0]).toMatchObject({ lease: { address: "~onFailure/tell" } });
      await bench.store.cancel(run);
      await bench.store.closeSession(worker.session.id);
      await retry(bench, run);
      expect(await work(bench, watched(), again ? { a: FAIL } : {})).toEqual(again ? ["a"] : ["a", "b"]);
      expect(await bench.runState(run)).toBe(again ? "failed" : "succeeded");
    }
  });

  test("so it is in an inlined dag, which then ends as its members do", async (bench) => {
    const plan = planOf("watched-inside", [
      dagStep("site"),
      taskStep("site/x", { in: "site" }),
      onFailureStep("site"),
      taskStep("site/~onFailure/tell", { in: "site/~onFailure" }),
      taskStep("after", { after: ["site"] }),
    ]);
    for (const again of [true, false]) {
      const run = await bench.submit(plan);
      const worker = await bench.driver(plan);
      await worker.fail((await worker.take())[0] as Grant);
      expect((await worker.take())[0]).toMatchObject({ lease: { address: "site/~onFailure/tell" } });
      await bench.store.cancel(run);
      await bench.store.closeSession(worker.session.id);
      await retry(bench, run);
      const calls = await work(bench, plan, again ? { "site/x": FAIL } : {});
      expect(calls).toEqual(again ? ["site/x"] : ["after", "site/x"]);
      expect(await bench.runState(run)).toBe(again ? "failed" : "succeeded");
    }
  });
}
