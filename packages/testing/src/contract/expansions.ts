import { type Grant, indexPlan } from "@jobbers/core";
import { expect } from "vitest";
import { allEntries } from "../paging.js";
import { fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import { mapped } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

export function expansions(test: BenchTest): void {
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
    for (let at: number | undefined = 5; at !== undefined; )
      at = await worker.work.expandPage(grant, session, at);
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
    for (const [plan, membersEach] of [
      [hollow, 0],
      [mapped(), 1],
    ] as const) {
      await submit(plan, { list: [1, 2] });
      const worker = await driver(plan);
      const [{ lease }] = (await worker.takeControl(1)) as [Grant];
      const index = indexPlan(plan);
      const map = index.step(lease.address);
      const items = [0, 1].map((i) => ({ value: String(i + 1), entries: allEntries(index, map, [i]) }));
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

  test(
    "a wide map joins exactly once, though its expansion is interrupted",
    async (bench) => {
      const { store, submit, driver, expire, runState, faulty } = bench;
      // A bad line lets pages of three through: there a tenth makes more pages than the whole makes elsewhere.
      const width = faulty ? 1_000 : 10_000;
      const run = await submit(mapped(), { list: Array.from({ length: width }, (_, i) => i) });
      const first = await driver(mapped(), { pageLimit: 500 });
      const [grant] = (await first.takeControl(1)) as [Grant];
      let cursor = 0;
      while (cursor < 0.3 * width)
        cursor = (await first.work.expandPage(grant, first.session.id, cursor)) as number;
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
    },
    { timeoutMs: 60_000 },
  );

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
