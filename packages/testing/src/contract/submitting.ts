import { expect } from "vitest";
import { newRunId, submissionOf } from "../factories.js";
import { planOf } from "../plans.js";
import { chain, diamond, manyEntries, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

export function submitting(test: BenchTest): void {
  test("a run's record exists before its work is offered to anyone", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const run = await submit(single(), { n: 1 }, { priority: 7, tags: ["x", "y"], traceparent: "00-1-2-03" });
    expect(await store.getRun(run)).toMatchObject({
      ...{ id: run, kind: "dag", name: "single", state: "running", cancelling: false, priority: 7 },
      ...{ tags: ["x", "y"], createdAtMs: clock.now(), traceparent: "00-1-2-03", purged: false },
    });
    expect(await store.readValues(run, [":input", "a"])).toEqual({ ":input": '{"n":1}', a: null });
    const [grant] = await (await driver(single())).take();
    expect(grant?.lease.run).toBe(run);
  });

  test("submitting the same id with the same content answers the existing run", async ({
    store,
    runState,
    driver,
  }) => {
    const submission = submissionOf(single(), { n: 1 });
    await store.submit([submission]);
    expect(await store.submit([submission])).toEqual([
      { status: "existing", id: submission.id, state: "running" },
    ]);
    await (await driver(single())).finish();
    expect(await store.submit([submission])).toEqual([
      { status: "existing", id: submission.id, state: "succeeded" },
    ]);
    expect(await runState(submission.id)).toBe("succeeded");
  });

  test("the plan's hash is no part of the content: a resend by a newer version is the same run", async ({
    store,
  }) => {
    const old = submissionOf(single(), null);
    await store.submit([old]);
    const { plan, planText, entries } = submissionOf(single({ queue: "other" }), null);
    const [result] = await store.submit([{ ...old, plan, planText, entries }]);
    expect(result).toMatchObject({ status: "existing" });
    expect((await store.getRun(old.id))?.plan).toBe(old.plan);
  });

  test("the same id with other content is a conflict, and changes nothing", async ({ store }) => {
    const first = submissionOf(single(), { n: 1 });
    await store.submit([first]);
    const other = submissionOf(diamond(), { n: 2 }, { id: first.id });
    expect(await store.submit([other])).toEqual([{ status: "conflict", id: first.id }]);
    expect(await store.getRun(first.id)).toMatchObject({ name: "single" });
    expect((await store.readValues(first.id, [":input"]))[":input"]).toBe('{"n":1}');
  });

  test("a plan that the store does not have is missing; sent again with its text, the run is created", async ({
    store,
  }) => {
    const bare = submissionOf(diamond(), null, { withPlan: false });
    expect(await store.submit([bare])).toEqual([{ status: "plan-missing", id: bare.id }]);
    expect(await store.getRun(bare.id)).toBeUndefined();
    const whole = submissionOf(diamond(), null, { id: bare.id });
    const [result] = await store.submit([whole]);
    expect(["created", "existing"]).toContain(result?.status);
    expect(await store.getPlan(whole.plan)).toBe(whole.planText);
    const second = submissionOf(diamond(), null, { withPlan: false });
    expect(["created", "existing"]).toContain((await store.submit([second]))[0]?.status);
  });

  test("a batch reports each item, in order", async ({ store, faulty }) => {
    const known = submissionOf(single(), 1);
    await store.submit([known]);
    const fresh = submissionOf(single(), 2);
    const results = await store.submit([
      submissionOf(chain(3), null, { withPlan: false }),
      fresh,
      known,
      submissionOf(single(), 9, { id: known.id }),
      fresh,
      submissionOf(single(), 8, { id: fresh.id }),
    ]);
    const created = faulty ? expect.stringMatching(/created|existing/) : "created";
    expect(results.map(({ status }) => status)).toEqual([
      "plan-missing",
      created,
      "existing",
      "conflict",
      "existing",
      "conflict",
    ]);
    expect(results[1]).toMatchObject({ id: fresh.id, state: "running" });
  });

  test("a batch may hold any number of submissions", async ({ store, driver, runState }) => {
    const batch = Array.from({ length: 1_100 }, (_, n) => submissionOf(single(), n, { withPlan: n === 0 }));
    const results = await store.submit(batch);
    expect(results.filter(({ status }) => status === "created" || status === "existing")).toHaveLength(1_100);
    expect(results.map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
    expect(await (await driver(single(), { slots: 200 })).finish()).toBe(1_100);
    expect(await runState((batch.at(-1) as { id: string }).id)).toBe("succeeded");
  });

  test("a dag without steps has succeeded at once", async ({ store, submit, driver }) => {
    const empty = planOf("empty", []);
    const run = await submit(empty);
    await (await driver(empty)).finish();
    expect(await store.getRun(run)).toMatchObject({ state: "succeeded" });
  });

  test("a run starts with more entry steps than one page holds", async ({
    submit,
    driver,
    runState,
    store,
  }) => {
    const plan = manyEntries(1_200);
    const run = await submit(plan);
    const worker = await driver(plan, { slots: 200 });
    expect(await worker.finish()).toBe(1_200);
    expect(new Set(worker.calls).size).toBe(1_200);
    expect(await runState(run)).toBe("succeeded");
    const counts = await store.countSteps(run);
    expect(counts.reduce((sum, { counts }) => sum + (counts.succeeded ?? 0), 0)).toBe(1_200);
  });

  test("a run whose first page of entries has settled waits for the other pages", async ({
    submit,
    driver,
    runState,
    store,
  }) => {
    const plan = manyEntries(8);
    const run = await submit(plan, null, { id: newRunId(), pageLimit: 3 });
    const worker = await driver(plan, { pageLimit: 3 });
    const { grants } = await worker.exchange([], { slots: 10 });
    for (const grant of grants) expect(await worker.succeed(grant)).toBe("accepted");
    expect(grants).toHaveLength(3);
    expect(await runState(run)).toBe("running");
    expect(await worker.finish()).toBe(5);
    expect(await runState(run)).toBe("succeeded");
    expect((await store.getRun(run))?.endedAtMs).toBeDefined();
  });
}
