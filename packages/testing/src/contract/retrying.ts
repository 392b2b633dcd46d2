import { type Grant, MAX_LOST } from "@jobbers/core";
import { expect } from "vitest";
import { planOf, taskStep } from "../plans.js";
import { chain, diamond, single, wideSuccessors } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

export function retrying(test: BenchTest): void {
  test("a task that failed runs again, and its success is the run's", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL });
    const failed = await bench.store.getStep(run, "a");
    bench.clock.advance(1_000);
    await retry(bench, run);
    const { endedAtMs, failure } = (await bench.store.getRun(run)) ?? {};
    expect([endedAtMs, failure]).toEqual([undefined, undefined]);
    const step = await bench.store.getStep(run, "a");
    expect(step).toMatchObject({ state: "ready", tries: 0, lost: 0, readyAtMs: bench.clock.now() });
    expect([step?.error, step?.reason, step?.endedAtMs]).toEqual([undefined, undefined, undefined]);
    expect(step?.fence).toBeGreaterThan(failed?.fence as number);
    expect(await work(bench, single(), { a: { succeed: "at last" } })).toEqual(["a"]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.value(run, "a")).toBe("at last");
    expect(await bench.store.listAttempts(run, "a")).toMatchObject([{ reason: "error" }]);
  });

  test("what was tried again and again has all its tries once more", async (bench) => {
    const run = await bench.submit(single());
    const worker = await bench.driver(single());
    for (let n = 0; n < 2; n++) {
      await worker.retry((await worker.take())[0] as Grant);
      await bench.store.promoteDue(10);
    }
    await worker.fail((await worker.take())[0] as Grant);
    await retry(bench, run);
    expect((await worker.take())[0]).toMatchObject({ tries: 0, lost: 0 });
    expect(await bench.store.listAttempts(run, "a")).toHaveLength(3);
  });

  test("in a chain, what came before is kept, and what comes after runs", async (bench) => {
    const { run } = await begin(bench, chain(4), { s2: FAIL });
    await retry(bench, run);
    expect(await bench.stepStates(run, "s1", "s2", "s3")).toEqual({
      ...{ s1: "succeeded", s2: "ready", s3: "blocked" },
    });
    expect(await work(bench, chain(4))).toEqual(["s2", "s3", "s4"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  for (const mode of ["stop", "continue"] as const) {
    test(`in a diamond, one side runs again and then the end (${mode})`, async (bench) => {
      const { run } = await begin(bench, diamond(mode), { b: FAIL });
      const isKept = (await bench.stepState(run, "c")) === "succeeded";
      await retry(bench, run);
      expect(await work(bench, diamond(mode))).toEqual(isKept ? ["b", "d"] : ["b", "c", "d"]);
      expect(await bench.runState(run)).toBe("succeeded");
      expect(await bench.value(run, "d")).toBe("d");
    });
  }

  test("siblings that a stop has cancelled run, ready or not", async (bench) => {
    const plan = planOf("aside", [
      taskStep("a"),
      taskStep("b"),
      taskStep("c", { after: ["b"] }),
      taskStep("d", { after: ["a", "c"] }),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    await worker.fail((await worker.take())[0] as Grant);
    await worker.finish();
    expect(await bench.store.getStep(run, "b")).toMatchObject({ state: "cancelled", reason: "stopped" });
    await retry(bench, run);
    expect(await work(bench, plan)).toEqual(["a", "b", "c", "d"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a run may fail again, with what failed then, and be retried again", async (bench) => {
    const { run } = await begin(bench, diamond("continue"), { b: FAIL });
    await retry(bench, run);
    expect(await work(bench, diamond(), { b: { fail: "again" } })).toEqual(["b"]);
    expect(await bench.runState(run)).toBe("failed");
    const failure = JSON.parse((await bench.store.getRun(run))?.failure as string);
    expect(failure).toMatchObject({ step: "b", error: { message: "again" } });
    expect(await bench.stepState(run, "d")).toBe("cancelled");
    await retry(bench, run);
    expect(await work(bench, diamond(), { d: FAIL })).toEqual(["b", "d"]);
    expect(JSON.parse((await bench.store.getRun(run))?.failure as string)).toMatchObject({ step: "d" });
    await retry(bench, run);
    expect(await work(bench, diamond())).toEqual(["d"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("the failure of a retried run is its own, however long the first one was", async (bench) => {
    const errors = ["x".repeat(3_000), "short", "y".repeat(3_000)];
    const run = await bench.submit(single());
    for (const [n, message] of errors.entries()) {
      if (n > 0) await retry(bench, run);
      expect(await bench.value(run, ":failure")).toBeUndefined();
      await work(bench, single(), { a: { fail: message } });
      const failure = JSON.parse((await bench.store.getRun(run))?.failure as string);
      expect(failure).toMatchObject({ error: { message } });
      expect(await bench.value(run, ":failure")).toEqual(failure);
    }
  });

  test("a step that was quarantined runs again, and may be lost as often as any", async (bench) => {
    const run = await bench.submit(single());
    const lose = async () => {
      const worker = await bench.driver(single());
      await worker.take();
      await bench.expire(worker.session.id);
    };
    for (let n = 0; n < MAX_LOST; n++) await lose();
    expect(await bench.store.getStep(run, "a")).toMatchObject({ state: "failed", reason: "quarantined" });
    await retry(bench, run);
    for (let n = 1; n < MAX_LOST; n++) await lose();
    const again = await bench.store.getStep(run, "a");
    expect(again).toMatchObject({ state: "ready", lost: MAX_LOST - 1 });
    expect(again?.error).toBeUndefined();
    expect(await work(bench, single())).toEqual(["a"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a run that has not failed is not retried, and an unknown one is unknown", async (bench) => {
    const { store } = bench;
    expect(await store.retry("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toEqual({ status: "unknown" });
    const scheduled = await bench.submit(single(), "later", { delayMs: 1_000 });
    expect(await store.retry(scheduled)).toEqual({ status: "running" });
    expect(await bench.runState(scheduled)).toBe("scheduled");
    const run = await bench.submit(single());
    expect(await store.retry(run)).toEqual({ status: "running" });
    const worker = await bench.driver(single());
    const [grant] = (await worker.take()) as [Grant];
    expect(await store.retry(run)).toEqual({ status: "running" });
    await worker.succeed(grant, 1);
    const before = await store.getRun(run);
    expect(await store.retry(run)).toEqual({ status: "succeeded" });
    expect(await store.getRun(run)).toEqual(before);
    expect(await worker.finish()).toBe(0);
  });

  test("of several who retry a run, one has it go on", async (bench) => {
    const { run } = await begin(bench, diamond(), { a: FAIL });
    const all = await Promise.all(Array.from({ length: 5 }, () => bench.store.retry(run)));
    // Behind a bad line the answer to the one may have been lost.
    const first = all.filter(({ status }) => status === "retried").length;
    expect(bench.faulty ? [0, 1] : [1]).toContain(first);
    expect(await work(bench, diamond())).toEqual(["a", "b", "c", "d"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("who reports under the fence of before the retry is stale", async (bench) => {
    const plan = planOf("two", [taskStep("a"), taskStep("b")]);
    const run = await bench.submit(plan);
    const [worker, other] = [await bench.driver(plan), await bench.driver(plan)];
    const [a, b] = (await worker.take(2)) as [Grant, Grant];
    await bench.store.cancel(run);
    await worker.fail(a);
    await bench.store.closeSession(worker.session.id);
    expect(await bench.runState(run)).toBe("cancelled");
    await retry(bench, run);
    for (const grant of [a, b]) expect(await other.succeed(grant, "old")).toBe("stale");
    expect(await other.fail(b)).toBe("stale");
    const again = await other.take(2);
    for (const grant of [a, b]) expect(await other.succeed(grant, "old")).toBe("stale");
    for (const grant of again) expect(await other.succeed(grant, "new")).toBe("accepted");
    expect([await bench.value(run, "a"), await bench.value(run, "b")]).toEqual(["new", "new"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a step with more followers than one page has all of them told again", async (bench) => {
    const plan = { ...wideSuccessors(12), failure: "continue" } as const;
    const { run } = await begin(bench, plan, { a: FAIL });
    await retry(bench, run);
    expect(await work(bench, plan, { c7: FAIL })).toHaveLength(13);
    await retry(bench, run);
    expect(await work(bench, plan)).toEqual(["c7", "join"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });
}
