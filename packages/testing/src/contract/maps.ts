import { type Grant, indexPlan } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, fromItem, fromStep, mapStep, planOf, taskStep, wire } from "../plans.js";
import { instanceEntries } from "../paging.js";
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
    expect(seen).toEqual([["item[0]", "x"], ["item[1]", "y"], ["item[2]", "z"], ["join", 3]]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "item[]")).toBe(3);
    expect(await bench.value(run, "item[]:1")).toBe("y");
    expect(await bench.store.getStep(run, "item[]")).toMatchObject({ state: "succeeded", count: 3, members: 3, settled: 3 });
  });

  test("a map that is laid out is expanding until its last member has settled", async ({ store, submit, driver }) => {
    const run = await submit(mapped(), { list: [1, 2] });
    const worker = await driver(mapped());
    const [first, second] = (await worker.take(2)) as [Grant, Grant];
    expect(await store.getStep(run, "item[]")).toMatchObject({ state: "expanding", count: 2, members: 2, settled: 0 });
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

  test("an expansion is applied once: what lies before the cursor is ignored", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const list = Array.from({ length: 8 }, (_, i) => i);
    const run = await submit(mapped(), { list });
    const worker = await driver(mapped(), { pageLimit: 3 });
    const [grant] = (await worker.takeControl(1)) as [Grant];
    const session = worker.session.id;
    expect(await worker.work.expandPage(grant, session, 0)).toBe(3);
    expect(await worker.work.expandPage(grant, session, 0)).toBe(3);
    expect(await worker.work.expandPage(grant, session, 2)).toBe(5);
    expect((await store.getStep(run, "item[]"))?.state).toBe("running");
    expect((await worker.exchange([], { slots: 20 })).grants.map(({ lease }) => lease.address)).toEqual(
      [0, 1, 2, 3, 4].map((i) => `item[${i}]`),
    );
    for (const lease of await store.listHeld(session)) {
      if (lease.address !== "item[]") await worker.succeed({ ...grant, lease, phase: "run" }, null);
    }
    expect(await runState(run)).toBe("running");
    for (let at: number | undefined = 5; at !== undefined; ) at = await worker.work.expandPage(grant, session, at);
    await worker.finish();
    expect(worker.calls).toEqual(["item[5]", "item[6]", "item[7]", "join"]);
    expect(await runState(run)).toBe("succeeded");
  });

  test("the last page of an expansion answers the count, even where the map has ended with it", async (bench) => {
    const { store, submit, driver } = bench;
    const hollow = planOf("hollow", [
      mapStep("hollow[]", fromInput("list"), { output: wire(fromItem("hollow[]")) }),
      taskStep("join", { after: ["hollow[]"] }),
    ]);
    for (const [plan, membersEach] of [[hollow, 0], [mapped(), 1]] as const) {
      await submit(plan, { list: [1, 2] });
      const worker = await driver(plan);
      const [{ lease }] = (await worker.takeControl(1)) as [Grant];
      const index = indexPlan(plan);
      const map = index.step(lease.address);
      const items = [0, 1].map((i) => ({ value: String(i + 1), entries: instanceEntries(index, map, [i]) }));
      const page = { session: worker.session.id, lease, count: 2, membersEach, from: 0, items };
      let reply = await store.expand(page);
      // A transport that cuts pages has the rest sent again.
      if (reply.status === "accepted" && reply.cursor === 1) reply = await store.expand(page);
      expect(reply).toEqual({ status: "accepted", cursor: 2 });
      await worker.finish();
    }
  });

  test("an expansion under an old fence is stale", async (bench) => {
    const { store, submit, driver, expire } = bench;
    await submit(mapped(), { list: [1, 2] });
    const slow = await driver(mapped());
    const [old] = (await slow.takeControl(1)) as [Grant];
    await expire(slow.session.id);
    const other = await driver(mapped());
    const [grant] = (await other.takeControl(1)) as [Grant];
    expect(grant).toMatchObject({ phase: "expand", cursor: 0, lost: 1 });
    const items = [{ value: "1", entries: [] }];
    const stale = { session: slow.session.id, lease: old.lease, count: 2, membersEach: 1, from: 0, items };
    expect(await store.expand(stale)).toEqual({ status: "stale" });
    await other.control(grant);
    expect(await other.finish()).toBe(3);
  });

  test("a 10,000-wide map joins exactly once, though its expansion is interrupted", async (bench) => {
    const { store, submit, driver, expire, runState } = bench;
    const width = 10_000;
    const run = await submit(mapped(), { list: Array.from({ length: width }, (_, i) => i) });
    const first = await driver(mapped(), { pageLimit: 500 });
    const [grant] = (await first.takeControl(1)) as [Grant];
    let cursor = 0;
    while (cursor < 3_000) cursor = (await first.work.expandPage(grant, first.session.id, cursor)) as number;
    await expire(first.session.id);
    const second = await driver(mapped(), { slots: 400, pageLimit: 500 });
    const [resumed] = (await second.takeControl(1)) as [Grant];
    expect(resumed).toMatchObject({ phase: "expand", cursor });
    await second.control(resumed);
    await second.finish();
    expect(second.calls.filter((address) => address === "join")).toHaveLength(1);
    expect(second.calls).toHaveLength(width + 1);
    expect(new Set(second.calls).size).toBe(width + 1);
    expect(await runState(run)).toBe("succeeded");
    expect(await store.countSteps(run)).toContainEqual({ name: "item", counts: { succeeded: width } });
  }, { timeoutMs: 60_000 });

  test("a map fails when a member failed, after all members have settled", async (bench) => {
    const { run, calls, state } = await play(bench, mapped("continue"), { "item[1]": FAIL }, { list: [1, 2, 3] });
    expect([...calls].sort()).toEqual(["item[0]", "item[1]", "item[2]"]);
    expect(state).toBe("failed");
    expect(await bench.store.getStep(run, "item[]")).toMatchObject({ state: "failed", reason: "body", settled: 3 });
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

  test("in mode stop, a map that has begun to lay out is laid out to its end, and waits for what runs in it", async (bench) => {
    const { store, submit, driver, runState, stepState } = bench;
    const plan = planOf("aside", [...mapped().steps, taskStep("bad")]);
    const run = await submit(plan, { list: [1, 2, 3, 4, 5, 6, 7] });
    const worker = await driver(plan, { pageLimit: 3 });
    const [grant] = (await worker.takeControl(1)) as [Grant];
    await worker.work.expandPage(grant, worker.session.id, 0);
    const { grants } = await worker.exchange([], { slots: 2 });
    expect(grants.map(({ lease }) => lease.address)).toEqual(["bad", "item[0]"]);
    const [bad, item] = grants as [Grant, Grant];
    await worker.fail(bad);
    await store.release(worker.session.id, [grant.lease]);
    const other = await driver(plan, { pageLimit: 3 });
    expect(await other.finish()).toBe(0);
    expect(await runState(run)).toBe("running");
    expect(await worker.succeed(item)).toBe("accepted");
    await other.finish();
    expect(await runState(run)).toBe("failed");
    expect(await bench.stepStates(run, "item[]", "item[0]", "item[6]", "join")).toEqual({
      ...{ "item[]": "cancelled", "item[0]": "succeeded", "item[6]": "cancelled", join: "cancelled" },
    });
    expect(await stepState(run, "bad")).toBe("failed");
  });
}
