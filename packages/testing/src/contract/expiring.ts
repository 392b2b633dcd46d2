import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import { chain, single } from "../sample-plans.js";
import { turns } from "../signals.js";
import type { Bench, BenchTest } from "./bench.js";

/** The run has failed because its deadline passed. */
async function expectLate({ store, runState }: Bench, run: string) {
  expect(await runState(run)).toBe("failed");
  const record = await store.getRun(run);
  expect(record?.endedAtMs).toEqual(expect.any(Number));
  expect(JSON.parse(record?.failure ?? "null")).toMatchObject({
    step: "",
    error: { name: "DeadlineExceeded", message: expect.stringContaining("deadline") },
  });
}

/** The step was not started in time: it failed without a try. */
async function expectExpired({ store }: Bench, run: string, address: string) {
  const record = await store.getStep(run, address);
  expect(record).toMatchObject({ state: "failed", reason: "expired", tries: 0 });
  expect(record?.endedAtMs).toEqual(expect.any(Number));
  expect(JSON.parse(record?.error ?? "null")).toMatchObject({ name: "StepExpired" });
}

async function pass({ store, clock }: Bench, ms: number) {
  clock.advance(ms);
  await store.promoteDue(100);
}

const patient = { leaseMs: Number.POSITIVE_INFINITY };

export function expiring(test: BenchTest): void {
  test("a run of which nothing runs fails at its deadline, and not before", async (bench) => {
    const run = await bench.submit(chain(2), null, { deadlineMs: 60_000 });
    await pass(bench, 59_999);
    expect(await bench.runState(run)).toBe("running");
    expect((await bench.store.promoteDue(10)).nextDueMs).toBe(1);
    await pass(bench, 1);
    await expectLate(bench, run);
    expect(await bench.stepState(run, "s1")).toBe("cancelled");
    expect(await (await bench.driver(chain(2))).finish()).toBe(0);
    const listed = await bench.store.listRuns({ limit: 5, state: "failed" });
    expect(listed.runs.map(({ id }) => id)).toEqual([run]);
    expect((await bench.store.listRuns({ limit: 5, state: "cancelled" })).runs).toEqual([]);
  });

  test("at the deadline who runs a step is told; the run fails once it has stopped", async (bench) => {
    const run = await bench.submit(chain(2), null, { deadlineMs: 1_000 });
    const worker = await bench.driver(chain(2), patient);
    const [grant] = (await worker.take()) as [Grant];
    await pass(bench, 1_000);
    expect(await bench.store.getRun(run)).toMatchObject({ state: "running", cancelling: true });
    const { mail } = await worker.exchange([]);
    const renewal = await bench.store.renew(worker.session.id);
    expect([...mail, ...renewal.mail]).toContainEqual({ type: "cancel", run });
    const report = await worker.failure(grant, "stopped", "cancelled");
    expect((await worker.exchange([report])).results).toEqual(["accepted"]);
    await expectLate(bench, run);
    expect(await bench.stepState(run, "s1")).toBe("cancelled");
    expect(await worker.finish()).toBe(0);
  });

  test("a success after the deadline is kept, but the run fails", async (bench) => {
    const run = await bench.submit(single(), null, { deadlineMs: 1_000 });
    const worker = await bench.driver(single(), patient);
    const [grant] = (await worker.take()) as [Grant];
    await pass(bench, 1_000);
    expect(await worker.succeed(grant, "late")).toBe("accepted");
    await expectLate(bench, run);
    expect(await bench.stepState(run, "a")).toBe("succeeded");
    expect(await bench.value(run, "a")).toBe("late");
  });

  test("a run that has ended keeps its end, and its timer is dropped when it is due", async (bench) => {
    const run = await bench.submit(chain(2), null, { deadlineMs: 1_000 });
    expect(await (await bench.driver(chain(2), patient)).finish()).toBe(2);
    await pass(bench, 1_000);
    expect(await bench.runState(run)).toBe("succeeded");
    expect((await bench.store.promoteDue(10)).nextDueMs).toBeUndefined();
  });

  test("a scheduled run fails at its deadline, and never runs", async (bench) => {
    const run = await bench.submit(single(), null, {
      runAtMs: bench.clock.now() + 5_000,
      deadlineMs: 1_000,
    });
    await pass(bench, 1_000);
    await expectLate(bench, run);
    await pass(bench, 5_000);
    expect(await (await bench.driver(single())).finish()).toBe(0);
    await expectLate(bench, run);
  });

  test("a run that somebody cancelled before its deadline ends as cancelled", async (bench) => {
    const run = await bench.submit(single(), null, { deadlineMs: 1_000 });
    const worker = await bench.driver(single(), patient);
    const [grant] = (await worker.take()) as [Grant];
    await bench.store.cancel(run);
    await pass(bench, 1_000);
    await worker.succeed(grant);
    expect(await bench.store.getRun(run)).toMatchObject({ state: "cancelled", failure: undefined });
  });

  test("the deadline comes before what failed until then", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b")], { failure: "continue" });
    const run = await bench.submit(plan, null, { deadlineMs: 1_000 });
    const worker = await bench.driver(plan, patient);
    const [a] = (await worker.take(1)) as [Grant];
    await worker.fail(a);
    await pass(bench, 1_000);
    await expectLate(bench, run);
    expect(await bench.store.retry(run)).toEqual({ status: bench.faulty ? expect.any(String) : "retried" });
    expect((await bench.store.getRun(run))?.failure).toBeUndefined();
    expect(await worker.finish()).toBe(2);
    expect(await bench.store.getRun(run)).toMatchObject({ state: "succeeded", failure: undefined });
  });

  test("a run that failed of its deadline is retried without one", async (bench) => {
    const run = await bench.submit(chain(2), null, { deadlineMs: 1_000 });
    const worker = await bench.driver(chain(2), patient);
    await worker.succeed((await worker.take())[0] as Grant);
    await pass(bench, 1_000);
    await expectLate(bench, run);
    await bench.store.retry(run);
    expect(await bench.store.getRun(run)).toMatchObject({
      state: "running",
      cancelling: false,
      failure: undefined,
    });
    await pass(bench, 10_000);
    expect(await bench.runState(run)).toBe("running");
    expect(await worker.finish()).toBe(1);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a retried run has no deadline, though its timer was set before", async (bench) => {
    const run = await bench.submit(single(), null, { deadlineMs: 1_000 });
    const worker = await bench.driver(single(), patient);
    await worker.fail((await worker.take())[0] as Grant);
    expect(await bench.runState(run)).toBe("failed");
    await bench.store.retry(run);
    await pass(bench, 1_000);
    expect(await bench.runState(run)).toBe("running");
    // Cancelled by hand, it ends as cancelled.
    await bench.store.cancel(run);
    expect(await bench.runState(run)).toBe("cancelled");
  });

  test("who submits a run with a deadline tells one of those who listen", async (bench) => {
    const worker = await bench.driver(single());
    const signal = new AbortController().signal;
    const listening = bench.store.listen(worker.session.id, {
      queues: ["default"],
      timeoutMs: 600_000,
      signal,
    });
    await turns(3);
    await bench.submit(single({ queue: "elsewhere" }), 1, { deadlineMs: 8_000 });
    await listening;
    expect((await worker.exchange([])).nextDueMs).toBe(8_000);
  });

  test("a deadline survives a restart", async (bench) => {
    const run = await bench.submit(single(), null, { deadlineMs: 1_000 });
    if (bench.reopen) await bench.store.close();
    const next = bench.reopen ? await bench.reopen() : bench.store;
    bench.clock.advance(1_000);
    await next.promoteDue(10);
    expect((await next.getRun(run))?.state).toBe("failed");
  });

  test("a deadline whose run is kept for no time leaves only its id", async (bench) => {
    const run = await bench.submit(single(), null, { deadlineMs: 1_000, keepMs: 0 });
    await pass(bench, 1_000);
    expect(await bench.store.getRun(run)).toMatchObject({ state: "failed", purged: true });
  });

  test("a step that waited too long in its line expires when it is popped", async (bench) => {
    const plan = planOf("late", [taskStep("a", { startWithinMs: 1_000 }), taskStep("b", { after: ["a"] })]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, patient);
    expect(await bench.store.getStep(run, "a")).toMatchObject({ dueAtMs: bench.clock.now() + 1_000 });
    bench.clock.advance(1_000);
    expect(await worker.take()).toEqual([]);
    await expectExpired(bench, run, "a");
    expect(await worker.finish()).toBe(0);
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "cancelled", reason: "parent" });
    const record = await bench.store.getRun(run);
    expect(record?.state).toBe("failed");
    expect(JSON.parse(record?.failure ?? "null")).toMatchObject({
      step: "a",
      error: { name: "StepExpired" },
    });
    expect(await bench.store.listAttempts(run, "a")).toEqual([]);
  });

  test("a step in a queue that nobody serves expires by its timer", async (bench) => {
    const plan = single({ queue: "nobody", startWithinMs: 1_000 });
    const run = await bench.submit(plan);
    await pass(bench, 999);
    expect(await bench.stepState(run, "a")).toBe("ready");
    expect((await bench.store.promoteDue(10)).nextDueMs).toBe(1);
    await pass(bench, 1);
    await expectExpired(bench, run, "a");
    expect(await bench.runState(run)).toBe("failed");
    expect(await (await bench.driver(plan)).finish()).toBe(0);
  });

  test("an expired step's failure is caught as any other", async (bench) => {
    const plan = planOf("caught", [
      taskStep("a", { queue: "nobody", startWithinMs: 1_000 }),
      taskStep("rescue", { after: ["a"], trigger: "one_failed" }),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, { ...patient, queues: ["default"] });
    await pass(bench, 1_000);
    expect(await worker.finish()).toBe(1);
    await expectExpired(bench, run, "a");
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a step that was taken in time may run for longer", async (bench) => {
    const run = await bench.submit(single({ startWithinMs: 1_000 }));
    const worker = await bench.driver(single(), patient);
    bench.clock.advance(999);
    const [grant] = (await worker.take()) as [Grant];
    await pass(bench, 5_000);
    expect(await worker.succeed(grant)).toBe("accepted");
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("retries do not count against the time to start", async (bench) => {
    const run = await bench.submit(single({ startWithinMs: 1_000 }));
    const worker = await bench.driver(single(), patient);
    await worker.retry((await worker.take())[0] as Grant, 5_000);
    await pass(bench, 5_000);
    expect(await bench.stepState(run, "a")).toBe("ready");
    await pass(bench, 5_000);
    expect(await bench.stepState(run, "a")).toBe("ready");
    expect(await worker.finish()).toBe(1);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  for (const how of ["popped", "by its timer"] as const) {
    test(`a step that was given back keeps its time: ${how}`, async (bench) => {
      const run = await bench.submit(single({ startWithinMs: 1_000 }));
      const worker = await bench.driver(single(), patient);
      const dueAtMs = bench.clock.now() + 1_000;
      const [grant] = (await worker.take()) as [Grant];
      bench.clock.advance(900);
      await bench.store.release(worker.session.id, [grant.lease]);
      expect(await bench.store.getStep(run, "a")).toMatchObject({ state: "ready", dueAtMs });
      bench.clock.advance(100);
      if (how === "popped") expect(await worker.take()).toEqual([]);
      else await bench.store.promoteDue(10);
      await expectExpired(bench, run, "a");
    });
  }

  test("a step whose worker vanished keeps its time", async (bench) => {
    const run = await bench.submit(single({ startWithinMs: 10 * bench.sweepMs }));
    const worker = await bench.driver(single());
    await worker.take();
    const before = await bench.store.getStep(run, "a");
    await bench.expire(worker.session.id);
    const { dueAtMs } = before as { dueAtMs: number };
    expect(await bench.store.getStep(run, "a")).toMatchObject({ state: "ready", lost: 1, dueAtMs });
    await pass(bench, dueAtMs - bench.clock.now());
    await expectExpired(bench, run, "a");
  });

  test("the time of a follower begins when it is ready", async (bench) => {
    const plan = planOf("then", [taskStep("a"), taskStep("b", { after: ["a"], startWithinMs: 1_000 })]);
    const [kept, late] = [await bench.submit(plan, 1), await bench.submit(plan, 2)];
    const worker = await bench.driver(plan, patient);
    bench.clock.advance(5_000);
    const grants = await worker.take(2);
    for (const grant of grants) await worker.succeed(grant);
    expect(await bench.stepState(late, "b")).toBe("ready");
    const [b] = (await worker.take(1)) as [Grant];
    expect(b.lease).toMatchObject({ run: kept, address: "b" });
    await pass(bench, 1_000);
    await worker.succeed(b);
    await expectExpired(bench, late, "b");
    expect(await bench.runState(kept)).toBe("succeeded");
  });

  test("the time of a step with a condition begins once that has let it pass", async (bench) => {
    const plan = single({ when: fromInput("go"), startWithinMs: 1_000 });
    const run = await bench.submit(plan, { go: true });
    const worker = await bench.driver(plan, patient);
    await pass(bench, 5_000);
    expect(await bench.stepState(run, "a")).toBe("ready");
    for (const grant of await worker.takeControl(1)) await worker.control(grant);
    await pass(bench, 999);
    expect(await bench.stepState(run, "a")).toBe("ready");
    await pass(bench, 1);
    await expectExpired(bench, run, "a");
  });

  test("the time of a scheduled run's step begins when the run starts", async (bench) => {
    const run = await bench.submit(single({ startWithinMs: 1_000 }), null, { delayMs: 5_000 });
    await pass(bench, 5_000);
    expect(await bench.stepState(run, "a")).toBe("ready");
    await pass(bench, 999);
    expect(await bench.stepState(run, "a")).toBe("ready");
    await pass(bench, 1);
    await expectExpired(bench, run, "a");
  });

  test("each instance of a map has its own time", async (bench) => {
    const plan = planOf(
      "apart",
      [
        mapStep("item[]", fromInput("list")),
        taskStep("item", { in: "item[]", input: wire(fromItem("item[]")), startWithinMs: 1_000 }),
      ],
      { failure: "continue" },
    );
    const run = await bench.submit(plan, { list: [1, 2, 3] });
    const worker = await bench.driver(plan, patient);
    for (const grant of await worker.takeControl(1)) await worker.control(grant);
    const [first] = (await worker.take(1)) as [Grant];
    await pass(bench, 1_000);
    await worker.succeed(first);
    await worker.finish();
    expect(await bench.stepStates(run, "item[0]", "item[1]", "item[2]", "item[]")).toEqual({
      "item[0]": "succeeded",
      "item[1]": "failed",
      "item[2]": "failed",
      "item[]": "failed",
    });
    await expectExpired(bench, run, "item[1]");
  });

  for (const how of ["popped", "by its timer"] as const) {
    test(`a step of a stopped run is cancelled, not expired: ${how}`, async (bench) => {
      const plan = planOf("stopping", [taskStep("a"), taskStep("b", { startWithinMs: 1_000 })]);
      const run = await bench.submit(plan);
      const worker = await bench.driver(plan, patient);
      await worker.fail((await worker.take(1))[0] as Grant);
      bench.clock.advance(1_000);
      if (how === "popped") await worker.take();
      else await bench.store.promoteDue(10);
      expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "cancelled", reason: "stopped" });
      await worker.finish();
      expect(await bench.runState(run)).toBe("failed");
    });
  }

  test("a step of a run that is being cancelled does not expire", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b", { startWithinMs: 1_000 })]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, patient);
    const [a] = (await worker.take(1)) as [Grant];
    await bench.store.cancel(run);
    await pass(bench, 1_000);
    await worker.succeed(a);
    expect(await bench.runState(run)).toBe("cancelled");
    expect(await bench.stepState(run, "b")).toBe("cancelled");
  });

  test("a retry by hand gives an expired step its time anew", async (bench) => {
    const run = await bench.submit(single({ startWithinMs: 1_000 }));
    await pass(bench, 1_000);
    await expectExpired(bench, run, "a");
    await bench.store.retry(run);
    const dueAtMs = bench.clock.now() + 1_000;
    expect(await bench.store.getStep(run, "a")).toMatchObject({ state: "ready", dueAtMs });
    expect(await (await bench.driver(single())).finish()).toBe(1);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a step handed straight on keeps its time when it is given back", async (bench) => {
    const plan = planOf("then", [taskStep("a"), taskStep("b", { after: ["a"], startWithinMs: 1_000 })]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, patient);
    const [a] = (await worker.take(1)) as [Grant];
    const reply = await worker.exchange([await worker.success(a, 1)], { slots: 1, inline: true });
    const dueAtMs = bench.clock.now() + 1_000;
    const b = reply.grants.find(({ lease }) => lease.address === "b") as Grant;
    bench.clock.advance(900);
    await bench.store.release(worker.session.id, [b.lease]);
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "ready", dueAtMs });
    await pass(bench, 100);
    await expectExpired(bench, run, "b");
  });
}
