import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

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
