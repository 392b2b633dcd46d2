import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { planOf, taskStep } from "../plans.js";
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

async function pass({ store, clock }: Bench, ms: number) {
  clock.advance(ms);
  await store.promoteDue(100);
}

const patient = { leaseMs: Number.POSITIVE_INFINITY };

export function deadlines(test: BenchTest): void {
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

  test("a deadline may count from when the run is due to start, which the store knows", async (bench) => {
    const fromStart = { deadlineMs: 1_000, deadlineFrom: "start" } as const;
    const delayed = await bench.submit(single(), 1, { ...fromStart, delayMs: 5_000 });
    const fixed = await bench.submit(single(), 2, { ...fromStart, runAtMs: bench.clock.now() + 5_000 });
    const atOnce = await bench.submit(single(), 3, fromStart);
    const past = await bench.submit(single(), 4, { ...fromStart, runAtMs: bench.clock.now() - 5_000 });
    await pass(bench, 1_000);
    for (const run of [atOnce, past]) await expectLate(bench, run);
    await pass(bench, 4_999);
    for (const run of [delayed, fixed]) expect(await bench.runState(run)).toBe("running");
    await pass(bench, 1);
    for (const run of [delayed, fixed]) await expectLate(bench, run);
  });
}
