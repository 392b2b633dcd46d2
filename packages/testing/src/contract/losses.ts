import { type Grant, MAX_LOST } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, mapStep, planOf, taskStep } from "../plans.js";
import { chain, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** Has a step taken and lost so many times. */
async function lose(bench: Bench, times: number) {
  for (let n = 0; n < times; n++) {
    const worker = await bench.driver(chain(2));
    expect((await worker.take())[0]).toMatchObject({ lease: { address: "s1" }, lost: n, tries: 0 });
    await bench.expire(worker.session.id);
  }
}

export function losses(test: BenchTest): void {
  test("a session whose process is known to be gone is lost at once", async ({
    store,
    submit,
    driver,
    runState,
  }) => {
    const run = await submit(single());
    const worker = await driver(single());
    await worker.take();
    await store.reapSessions({ sweepMs: 5_000, limit: 100, gone: [worker.session.id] });
    expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", lost: 1 });
    await (await driver(single())).finish();
    expect(await runState(run)).toBe("succeeded");
  });

  test("what a lost session held is given to others, and counts as lost, not as tried", async (bench) => {
    const { store, submit, driver, expire } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const [old] = (await worker.take()) as [Grant];
    await expire(worker.session.id);
    const [grant] = (await (await driver(single())).take()) as [Grant];
    expect(grant).toMatchObject({ tries: 0, lost: 1, lease: { address: "a" } });
    expect(grant.lease.fence).toBeGreaterThan(old.lease.fence);
    expect(await store.listAttempts(run, "a")).toMatchObject([
      { fence: old.lease.fence, reason: "lost", worker: "tester" },
    ]);
  });

  test("a sweep takes back at most so many steps, and says that there are more", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const runs = [];
    for (let n = 0; n < 7; n++) runs.push(await submit(single(), n));
    const worker = await driver(single());
    expect(await worker.take(7)).toHaveLength(7);
    clock.advance(20_000);
    let more = true;
    let calls = 0;
    while (more) {
      const reaped = await store.reapSessions({ sweepMs: 5_000, limit: 3, gone: [worker.session.id] });
      expect(reaped.returned).toBeLessThanOrEqual(3);
      more = reaped.more;
      expect(++calls).toBeLessThan(20);
    }
    for (const run of runs) expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", lost: 1 });
    expect(await store.listHeld(worker.session.id)).toEqual([]);
  });

  test("a step that takes its worker down three times is quarantined", async (bench) => {
    const { store, submit, driver, runState, stepState } = bench;
    const run = await submit(chain(2));
    await lose(bench, MAX_LOST);
    expect(await store.getStep(run, "s1")).toMatchObject({
      state: "failed",
      reason: "quarantined",
      lost: 3,
      tries: 0,
    });
    expect(await store.listAttempts(run, "s1")).toHaveLength(3);
    const worker = await driver(chain(2));
    expect(await worker.finish()).toBe(0);
    expect(await stepState(run, "s2")).toBe("cancelled");
    expect(await runState(run)).toBe("failed");
    expect(JSON.parse((await store.getRun(run))?.failure as string)).toMatchObject({ step: "s1" });
  });

  test("a step that was lost twice may still succeed", async (bench) => {
    const run = await bench.submit(chain(2));
    await lose(bench, MAX_LOST - 1);
    expect(await (await bench.driver(chain(2))).finish()).toBe(2);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a quarantined step is caught like any other", async (bench) => {
    const rescue = taskStep("rescue", { after: ["s1"], trigger: "one_failed" });
    const plan = planOf("chain", [...chain(2).steps, rescue]);
    const run = await bench.submit(plan);
    await lose(bench, MAX_LOST);
    const worker = await bench.driver(plan);
    await worker.finish();
    expect(worker.calls).toEqual(["rescue"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a catcher that is quarantined rescues nothing", async (bench) => {
    const plan = planOf("caught", [taskStep("a"), taskStep("s1", { after: ["a"], trigger: "one_failed" })]);
    const run = await bench.submit(plan);
    const first = await bench.driver(plan);
    await first.fail((await first.take())[0] as Grant);
    await lose(bench, MAX_LOST);
    await (await bench.driver(plan)).finish();
    expect(await bench.runState(run)).toBe("failed");
  });

  test("control work that is lost is handed out again, for ever where the step has settled", async (bench) => {
    const run = await bench.submit(chain(3));
    const first = await bench.driver(chain(3));
    await first.fail((await first.take())[0] as Grant);
    for (let n = 0; n < MAX_LOST + 2; n++) {
      const worker = await bench.driver(chain(3));
      const [grant] = (await worker.takeControl(1)) as [Grant];
      expect(grant).toMatchObject({ phase: "advance", outcome: "cancelled", lease: { address: "s2" } });
      await bench.expire(worker.session.id);
    }
    await (await bench.driver(chain(3))).finish();
    expect(await bench.stepStates(run, "s2", "s3")).toEqual({ s2: "cancelled", s3: "cancelled" });
    expect(await bench.runState(run)).toBe("failed");
  });

  test("of a run that has ended nothing is held, though members of a quarantined map still ran", async (bench) => {
    const { store, submit, driver, runState } = bench;
    const plan = planOf("orphans", [mapStep("x[]", fromInput("list")), taskStep("x", { in: "x[]" })]);
    const run = await submit(plan, { list: Array.from({ length: 9 }, (_, i) => i) });
    const member = await driver(plan, { leaseMs: Number.POSITIVE_INFINITY });
    for (let n = 0; n < MAX_LOST; n++) {
      const doomed = await driver(plan, { pageLimit: 2 });
      const [map] = (await doomed.takeControl(1)) as [Grant];
      await doomed.work.expandPage(map, doomed.session.id, map.cursor);
      if (n === 0) expect(await member.take(1)).toHaveLength(1);
      await store.reapSessions({ sweepMs: bench.sweepMs, limit: 500, gone: [doomed.session.id] });
    }
    expect(await store.getStep(run, "x[]")).toMatchObject({ state: "failed", reason: "quarantined" });
    expect(await runState(run)).toBe("failed");
    expect(await store.listHeld(member.session.id)).toEqual([]);
    expect(await store.renew(member.session.id)).toMatchObject({ held: 0 });
    expect(await store.listQueues()).toEqual([expect.objectContaining({ name: "default", running: 0 })]);
  });
}
