import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { chain, diamond, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

export function fences(test: BenchTest): void {
  test("a late success counts while nobody has taken the step since", async (bench) => {
    const { store, submit, driver, expire, runState, stepState, succeedLate } = bench;
    const run = await submit(chain(2));
    const slow = await driver(chain(2));
    const [grant] = (await slow.take()) as [Grant];
    await expire(slow.session.id);
    expect(await store.getStep(run, "s1")).toMatchObject({ state: "ready", lost: 1, tries: 0 });
    await succeedLate(slow, grant, "late");
    expect(slow.lastReply?.alive).toBe(false);
    expect(await stepState(run, "s1")).toBe("succeeded");
    const other = await driver(chain(2));
    await other.finish();
    expect(other.calls).toEqual(["s2"]);
    expect(await runState(run)).toBe("succeeded");
  });

  test("a late success of a step that another has taken is stale, and changes nothing", async (bench) => {
    const { submit, driver, expire, stepState, value } = bench;
    const run = await submit(single());
    const slow = await driver(single());
    const [old] = (await slow.take()) as [Grant];
    await expire(slow.session.id);
    const other = await driver(single());
    const [grant] = (await other.take()) as [Grant];
    expect(grant.lease.fence).toBeGreaterThan(old.lease.fence);
    expect(await slow.succeed(old, "old")).toBe("stale");
    expect(await stepState(run, "a")).toBe("running");
    expect(await other.succeed(grant, "new")).toBe("accepted");
    expect(await slow.succeed(old, "older")).toBe("stale");
    expect(await value(run, "a")).toBe("new");
  });

  test("a superseded worker can neither fail, retry nor release a step", async (bench) => {
    const { store, submit, driver, expire } = bench;
    const run = await submit(single());
    const slow = await driver(single());
    const [old] = (await slow.take()) as [Grant];
    await expire(slow.session.id);
    const other = await driver(single());
    await other.take();
    expect(await slow.fail(old)).toBe("stale");
    expect(await slow.retry(old)).toBe("stale");
    expect((await slow.exchange([{ type: "released", lease: old.lease }])).results).toEqual(["stale"]);
    await store.release(slow.session.id, [old.lease]);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "running", tries: 0 });
    expect(await store.listHeld(other.session.id)).toHaveLength(1);
  });

  test("a late failure is only history", async (bench) => {
    const { store, submit, driver, expire } = bench;
    const run = await submit(single());
    const slow = await driver(single());
    const [old] = (await slow.take()) as [Grant];
    await expire(slow.session.id);
    await slow.fail(old, "too late");
    await slow.retry(old, 60_000);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", tries: 0, lost: 1 });
    const other = await driver(single());
    expect(await other.take()).toHaveLength(1);
  });

  test("a late success counts while the step waits for its next try", async (bench) => {
    const { store, clock, submit, driver, runState, stepState } = bench;
    const run = await submit(chain(2));
    const worker = await driver(chain(2));
    const [grant] = (await worker.take()) as [Grant];
    await worker.retry(grant, 1_000);
    expect(await worker.succeed(grant, "after all")).toBe("accepted");
    clock.advance(2_000);
    await store.promoteDue(10);
    expect(await stepState(run, "s1")).toBe("succeeded");
    expect(await worker.finish()).toBe(1);
    expect(worker.calls).toEqual(["s2"]);
    expect(await runState(run)).toBe("succeeded");
  });

  test("a step that has settled takes no more reports", async ({ submit, driver, stepState, runState }) => {
    const run = await submit(diamond());
    const worker = await driver(diamond());
    const [a] = (await worker.take()) as [Grant];
    await worker.succeed(a, 1);
    expect(await worker.succeed(a, 2)).toBe("stale");
    expect(await worker.fail(a)).toBe("stale");
    expect(await stepState(run, "a")).toBe("succeeded");
    expect(await worker.finish()).toBe(3);
    expect(await runState(run)).toBe("succeeded");
  });

  test("a report on a run or a step that does not exist is stale", async ({ submit, driver }) => {
    await submit(single());
    const worker = await driver(single());
    const [grant] = (await worker.take()) as [Grant];
    const report = await worker.success(grant);
    const astray = [
      { ...report, lease: { ...grant.lease, run: "01ARZ3NDEKTSV4RRFFQ69G5FAV" } },
      { ...report, lease: { ...grant.lease, address: "nowhere" } },
      { ...report, lease: { ...grant.lease, fence: grant.lease.fence + 1 } },
    ];
    expect((await worker.exchange(astray)).results).toEqual(["stale", "stale", "stale"]);
    expect(await worker.succeed(grant)).toBe("accepted");
  });

  test("a step that was given back to the line and succeeded late is not handed out again", async (bench) => {
    const { store, submit, driver, succeedLate, runState } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const [grant] = (await worker.take()) as [Grant];
    await store.closeSession(worker.session.id);
    await succeedLate(worker, grant);
    expect(await runState(run)).toBe("succeeded");
    const other = await driver(single());
    expect(await other.take()).toEqual([]);
  });

  test("a fence of 0, which nobody was ever given, is no lease", async ({
    store,
    submit,
    driver,
    stepState,
  }) => {
    const plan = diamond();
    const run = await submit(plan);
    const worker = await driver(plan);
    const none = { run, address: "a", fence: 0 };
    const follow = { successors: { items: [] } };
    const forged = { type: "succeeded", lease: none, output: "1", follow } as const;
    expect((await worker.exchange([forged])).results).toEqual(["stale"]);
    expect(await stepState(run, "a")).toBe("ready");
    await worker.succeed((await worker.take())[0] as Grant);
    await worker.succeed((await worker.take())[0] as Grant);
    expect(await stepState(run, "d")).toBe("blocked");
    const early = { ...forged, lease: { ...none, address: "d" } };
    expect((await worker.exchange([early])).results).toEqual(["stale"]);
    await store.release(worker.session.id, [early.lease]);
    expect(await stepState(run, "d")).toBe("blocked");
    expect(await worker.finish()).toBe(2);
  });
}
