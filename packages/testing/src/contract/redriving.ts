import type { Grant, Plan, RetryOptions } from "@jobbers/core";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { planOf, taskStep } from "../plans.js";
import { caught, chain, inlined, mapped, single, watched } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { lettersOf } from "./dead-letters.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

/** Has some of a run's failures run again. */
async function redrive({ store, faulty }: Bench, run: string, options: RetryOptions) {
  const { status } = await store.retry(run, options);
  expect(faulty ? ["retried", "running"] : ["retried"]).toContain(status);
  expect(await store.getRun(run)).toMatchObject({ cancelling: false });
  expect(await checkAll(store)).toEqual([]);
}

const only = (step: string, input?: unknown): RetryOptions => ({
  only: { step },
  ...(input !== undefined && { input: JSON.stringify(input) }),
});

/** Two branches that do not touch: a → b, c → d. */
const apart = (failure: "stop" | "continue" = "continue"): Plan =>
  planOf(
    "apart",
    [taskStep("a"), taskStep("b", { after: ["a"] }), taskStep("c"), taskStep("d", { after: ["c"] })],
    { failure },
  );

export function redriving(test: BenchTest): void {
  test("one failure runs again with what depends on it, the other stays as it is", async (bench) => {
    const { run } = await begin(bench, apart(), { a: FAIL, c: FAIL });
    await redrive(bench, run, only("a"));
    expect(await lettersOf(bench)).toMatchObject([{ step: "c" }]);
    expect(await work(bench, apart())).toEqual(["a", "b"]);
    expect(await bench.stepStates(run, "a", "b", "c", "d")).toEqual({
      ...{ a: "succeeded", b: "succeeded", c: "failed", d: "cancelled" },
    });
    expect(await bench.store.getRun(run)).toMatchObject({
      state: "failed",
      failure: expect.stringContaining("c"),
    });
    await redrive(bench, run, only("c"));
    expect(await work(bench, apart())).toEqual(["c", "d"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("what a stop had cancelled goes on with it", async (bench) => {
    const plan = planOf("stopping", [
      taskStep("a"),
      taskStep("b"),
      taskStep("c"),
      taskStep("d", { after: ["c"] }),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan);
    const [a, b] = (await worker.take(2)) as [Grant, Grant];
    await worker.fail(a);
    await worker.fail(b);
    await worker.finish();
    await redrive(bench, run, only("b"));
    expect(await work(bench, plan)).toEqual(["b", "c", "d"]);
    expect(await bench.stepState(run, "a")).toBe("failed");
    expect(await bench.runState(run)).toBe("failed");
  });

  test("one child of a map runs again, its siblings' failures are kept", async (bench) => {
    const input = { list: [1, 2, 3, 4] };
    const acts = { "item[0]": FAIL, "item[1]": FAIL, "item[3]": FAIL };
    const { run } = await begin(bench, mapped("continue"), acts, { input });
    await redrive(bench, run, only("item[1]"));
    expect(await work(bench, mapped("continue"))).toEqual(["item[1]"]);
    expect(await bench.stepStates(run, "item[]", "item[0]", "item[1]", "join")).toEqual({
      ...{ "item[]": "failed", "item[0]": "failed", "item[1]": "succeeded", join: "cancelled" },
    });
    expect((await lettersOf(bench)).map(({ step }) => step).sort()).toEqual(["item[0]", "item[3]"]);
    await redrive(bench, run, { only: { letters: { task: "item" } } });
    expect(await work(bench, mapped("continue"))).toEqual(["item[0]", "item[3]", "join"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("those run again whose letters a filter fits", async (bench) => {
    const { run } = await begin(bench, apart(), { a: FAIL, c: { fail: "late", reason: "timeout" } });
    const [{ diedAtMs } = { diedAtMs: 0 }] = await lettersOf(bench);
    await redrive(bench, run, { only: { letters: { reason: "timeout", diedAfterMs: diedAtMs } } });
    expect(await work(bench, apart())).toEqual(["c", "d"]);
    expect(await bench.runState(run)).toBe("failed");
    await bench.store.purgeDeadLetters([{ run, step: "a" }]);
    // What was purged is no letter any more: nothing runs again, and the run ends as it had.
    await redrive(bench, run, { only: { letters: {} } });
    expect(await work(bench, apart())).toEqual([]);
    expect(await bench.store.getRun(run)).toMatchObject({
      state: "failed",
      failure: expect.stringContaining("a"),
    });
    await retry(bench, run);
    expect(await work(bench, apart())).toEqual(["a", "b"]);
  });

  test("a body of which nothing runs again ends again as it had", async (bench) => {
    const plan = inlined({ failure: "continue" });
    const { run } = await begin(bench, plan, { "site/fetch": FAIL });
    await redrive(bench, run, { only: { letters: { task: "nobody" } } });
    expect(await work(bench, plan)).toEqual([]);
    expect(await bench.stepStates(run, "site", "site/parse", "after")).toEqual({
      ...{ site: "failed", "site/parse": "cancelled", after: "cancelled" },
    });
    await redrive(bench, run, only("site/fetch"));
    expect(await work(bench, plan)).toEqual(["after", "site/fetch", "site/parse"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map whose children all stay as they are ends again, and others go on", async (bench) => {
    const plan = planOf("aside", [...mapped("continue").steps, taskStep("other")], { failure: "continue" });
    const acts = { "item[0]": FAIL, other: FAIL };
    const { run } = await begin(bench, plan, acts, { input: { list: [1, 2] } });
    await redrive(bench, run, only("other"));
    expect(await work(bench, plan)).toEqual(["other"]);
    expect(await bench.stepStates(run, "item[]", "item[0]", "join", "other")).toEqual({
      ...{ "item[]": "failed", "item[0]": "failed", join: "cancelled", other: "succeeded" },
    });
    expect(await bench.store.getRun(run)).toMatchObject({
      state: "failed",
      failure: expect.stringContaining("item[0]"),
    });
  });

  test("a catcher that failed is judged anew, one that succeeded is kept", async (bench) => {
    const { run } = await begin(bench, caught(), { a: FAIL, rescue: FAIL });
    await redrive(bench, run, only("a"));
    expect(await work(bench, caught())).toEqual(["a", "b"]);
    expect(await bench.stepStates(run, "a", "rescue", "clean")).toEqual({
      ...{ a: "succeeded", rescue: "skipped", clean: "succeeded" },
    });
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await lettersOf(bench)).toEqual([]);
  });

  test("an edited input takes the place of the resolved one, for this and later attempts", async (bench) => {
    const plan = chain(2);
    const { run } = await begin(bench, plan, { s2: FAIL });
    const fence = (await bench.store.getStep(run, "s2"))?.fence as number;
    await redrive(bench, run, only("s2", { s1: "mended" }));
    expect(await bench.store.getStep(run, "s2")).toMatchObject({ edited: true });
    const worker = await bench.driver(plan);
    const [grant] = (await worker.take()) as [Grant];
    expect(grant).toMatchObject({ edited: true, lease: { address: "s2" } });
    expect(grant.lease.fence).toBeGreaterThan(fence);
    expect(await worker.work.inputOf(grant)).toEqual({ s1: "mended" });
    await worker.retry(grant);
    await bench.store.promoteDue(10);
    const [again] = (await worker.take()) as [Grant];
    expect(await worker.work.inputOf(again)).toEqual({ s1: "mended" });
    await worker.fail(again);
    expect(await lettersOf(bench)).toMatchObject([{ step: "s2", edited: true }]);
    await redrive(bench, run, only("s2", { s1: "x".repeat(100_000) }));
    const [large] = (await worker.take()) as [Grant];
    expect(await worker.work.inputOf(large)).toEqual({ s1: "x".repeat(100_000) });
    await worker.fail(large);
    await redrive(bench, run, only("s2", [1]));
    await retryNothing(bench, run);
    const [small] = (await worker.take()) as [Grant];
    expect(await worker.work.inputOf(small)).toEqual([1]);
    await worker.succeed(small);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await bench.store.getStep(run, "s1")).not.toHaveProperty("edited");
  });

  test("the input of a map's child may be edited", async (bench) => {
    const { run } = await begin(bench, mapped("continue"), { "item[1]": FAIL }, { input: { list: [1, 2] } });
    await redrive(bench, run, only("item[1]", 22));
    const worker = await bench.driver(mapped("continue"));
    const [grant] = (await worker.take()) as [Grant];
    expect(await worker.work.inputOf(grant)).toBe(22);
    await worker.succeed(grant);
    await worker.finish();
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("all failures of a plan name run again", async (bench) => {
    const plan = planOf("named", [...mapped("continue").steps, taskStep("other")], { failure: "continue" });
    const acts = { "item[0]": FAIL, "item[2]": FAIL, other: FAIL };
    const { run } = await begin(bench, plan, acts, { input: { list: [1, 2, 3] } });
    expect((await bench.store.retry(run, only("item", 1))).status).toBe("step-unknown");
    await redrive(bench, run, only("item"));
    expect(await work(bench, plan)).toEqual(["item[0]", "item[2]", "join"]);
    expect(await bench.runState(run)).toBe("failed");
    expect((await bench.store.retry(run, only("item"))).status).toBe("step-not-failed");
    expect((await bench.store.retry(run, only("ite"))).status).toBe("step-unknown");
  });

  test("what cannot run again is refused, and nothing changes", async (bench) => {
    const { store } = bench;
    const { run } = await begin(bench, watched("continue"), { a: FAIL, "~onFailure/tell": FAIL });
    const statusOf = async (step: string, id = run) => (await store.retry(id, only(step, 1))).status;
    expect(await statusOf("nobody")).toBe("step-unknown");
    expect(await statusOf("")).toBe("step-unknown");
    expect(await statusOf("b")).toBe("step-not-failed");
    expect(await statusOf("~onFailure")).toBe("step-not-failed");
    expect(await statusOf("~onFailure/tell")).toBe("step-kept");
    expect(await statusOf("a", "nobody")).toBe("unknown");
    expect(await bench.runState(run)).toBe("failed");
    expect(await store.getStep(run, "~onFailure/tell")).not.toHaveProperty("edited");
    const { run: good } = await begin(bench, single());
    expect(await statusOf("a", good)).toBe("succeeded");
    const { run: rescued } = await begin(
      bench,
      planOf("kept", [...caught("continue").steps, taskStep("z")], { failure: "continue" }),
      { a: FAIL, z: FAIL },
    );
    expect(await statusOf("a", rescued)).toBe("step-kept");
    const going = await bench.submit(single());
    expect(await statusOf("a", going)).toBe("running");
  });

  test(
    "a redrive that takes several calls goes on with what it was about, whoever does",
    async (bench) => {
      const { store } = bench;
      const list = Array.from({ length: 600 }, (_, i) => i);
      const run = await bench.submit(mapped("continue"), { list });
      const worker = await bench.driver(mapped("continue"), { script: () => FAIL, slots: 300 });
      await worker.finish();
      const [one, other] = await Promise.all([store.retry(run, only("item[7]")), store.retry(run)]);
      expect(new Set([one.status, other.status])).toEqual(
        new Set(bench.faulty ? [one.status, other.status] : ["retried", "running"]),
      );
      const calls = await work(bench, mapped("continue"));
      expect(calls).toEqual(one.status === "retried" ? ["item[7]"] : calls);
      expect([1, 601]).toContain(calls.length);
    },
    { timeoutMs: 60_000 },
  );
}

/** A run that goes on is not retried. */
async function retryNothing({ store }: Bench, run: string) {
  expect((await store.retry(run, only("s2", "never"))).status).toBe("running");
}
