import { type DeadLetterFilter, type DeadLetterRecord, type Grant, MAX_LOST } from "@jobbers/core";
import { expect } from "vitest";
import { fromInput, fromItem, mapStep, planOf, taskStep, wire } from "../plans.js";
import { caught, chain, diamond, mapped, single, watched } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

/** All letters that a filter fits, by small pages. */
export async function lettersOf(
  { store }: Pick<Bench, "store">,
  filter: DeadLetterFilter = {},
  limit = 2,
): Promise<DeadLetterRecord[]> {
  const all: DeadLetterRecord[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < 1_000; n++) {
    const { letters, next } = await store.listDeadLetters({ ...filter, limit, cursor });
    all.push(...letters);
    if (next === undefined) return all;
    cursor = next;
  }
  throw new Error("the list of dead letters never ends");
}

const stepsOf = (letters: readonly DeadLetterRecord[]) => letters.map(({ step }) => step);

export function deadLetters(test: BenchTest): void {
  test("a task that failed for good is a dead letter, with all that one has to know of it", async (bench) => {
    const { run } = await begin(bench, chain(3), { s2: FAIL });
    const { plan = "" } = (await bench.store.getRun(run)) ?? {};
    const letter = {
      ...{ run, step: "s2", workflow: "chain", version: plan, task: "s2", queue: "default", reason: "error" },
      ...{ tries: 1, lost: 0, diedAtMs: bench.clock.now(), edited: false },
      error: expect.stringContaining("broken"),
    };
    expect(await lettersOf(bench)).toEqual([letter]);
    expect(await bench.store.getDeadLetter(run, "s2")).toEqual(letter);
    expect(await bench.store.getDeadLetter(run, "s1")).toBeUndefined();
    expect(await bench.store.getDeadLetter("nobody", "s2")).toBeUndefined();
    expect(await bench.store.countDeadLetters()).toEqual([{ task: "s2", letters: 1 }]);
  });

  test("what was tried again, succeeded, was cancelled or skipped is none", async (bench) => {
    const { store, submit } = bench;
    const run = await submit(single());
    const worker = await bench.driver(single());
    await worker.retry((await worker.take())[0] as Grant);
    expect(await lettersOf(bench)).toEqual([]);
    await store.cancel(run);
    await begin(bench, diamond(), {});
    const cancelled = await submit(single());
    const [held] = (await worker.take()) as [Grant];
    await store.cancel(cancelled);
    await worker.fail(held);
    expect(await bench.runState(cancelled)).toBe("cancelled");
    expect(await lettersOf(bench)).toEqual([]);
    expect(await store.countDeadLetters()).toEqual([]);
  });

  test("a step that takes its workers down is one, and one that was not started in time", async (bench) => {
    const lost = await bench.submit(single());
    for (let n = 0; n < MAX_LOST; n++) {
      const worker = await bench.driver(single());
      await worker.take();
      await bench.expire(worker.session.id);
    }
    const late = single({ startWithinMs: 1_000 });
    const expired = await bench.submit(late);
    bench.clock.advance(2_000);
    await bench.store.promoteDue(10);
    expect(await lettersOf(bench)).toMatchObject([
      { run: expired, step: "a", reason: "expired", tries: 0, lost: 0 },
      { run: lost, step: "a", reason: "quarantined", tries: 0, lost: MAX_LOST },
    ]);
    expect(await lettersOf(bench, { reason: "quarantined" })).toMatchObject([{ run: lost }]);
  });

  test("a failure that its catchers rescue is none; it is one when the first of them does not succeed", async (bench) => {
    await begin(bench, caught(), { a: FAIL });
    expect(await lettersOf(bench)).toEqual([]);
    const run = await bench.submit(caught());
    const worker = await bench.driver(caught(), {
      script: ({ address }) => (address === "a" ? FAIL : "hold"),
    });
    await worker.finish();
    expect(await lettersOf(bench)).toEqual([]);
    bench.clock.advance(1_000);
    await bench.expire(worker.session.id);
    await work(bench, caught(), { rescue: FAIL });
    expect(stepsOf(await lettersOf(bench, { run })).sort()).toEqual(["a", "rescue"]);
    expect(await bench.runState(run)).toBe("failed");
  });

  test("an onFailure step that fails is one, too", async (bench) => {
    const { run } = await begin(bench, watched(), { a: FAIL, "~onFailure/tell": FAIL });
    expect(stepsOf(await lettersOf(bench, { run }))).toEqual(["~onFailure/tell", "a"]);
  });

  test("they are listed newest first, page by page, as a filter has it", async (bench) => {
    const plans = [single({ queue: "slow" }), planOf("other", [taskStep("b", { task: "a" })])] as const;
    const runs: string[] = [];
    for (let n = 0; n < 6; n++) {
      const plan = plans[n % 2] as (typeof plans)[number];
      const { run } = await begin(bench, plan, { a: FAIL, b: { fail: "odd", reason: "timeout" } });
      runs.push(run);
      bench.clock.advance(1_000);
    }
    const found = async (filter: DeadLetterFilter) =>
      (await lettersOf(bench, filter)).map(({ run }) => runs.indexOf(run));
    expect(await found({})).toEqual([5, 4, 3, 2, 1, 0]);
    expect(await found({ queue: "slow" })).toEqual([4, 2, 0]);
    expect(await found({ reason: "timeout" })).toEqual([5, 3, 1]);
    expect(await found({ workflow: "other" })).toEqual([5, 3, 1]);
    expect(await found({ task: "a", reason: "error" })).toEqual([4, 2, 0]);
    expect(await found({ task: "nobody" })).toEqual([]);
    expect(await found({ run: runs[3] as string })).toEqual([3]);
    const { diedAtMs } = (await lettersOf(bench))[2] as DeadLetterRecord;
    expect(await found({ diedAfterMs: diedAtMs })).toEqual([5, 4, 3]);
    expect(await found({ diedBeforeMs: diedAtMs })).toEqual([2, 1, 0]);
    expect(await bench.store.countDeadLetters()).toEqual([{ task: "a", letters: 6 }]);
    await expect(bench.store.listDeadLetters({ limit: 1, cursor: "no" })).rejects.toMatchObject({
      code: "cursor-invalid",
    });
    await expect(bench.store.listDeadLetters({ limit: 0 })).rejects.toMatchObject({ code: "flag-invalid" });
  });

  test("a map's children may be hundreds, of one instant", async (bench) => {
    const list = Array.from({ length: 600 }, (_, i) => i);
    const run = await bench.submit(mapped("continue"), { list });
    const worker = await bench.driver(mapped("continue"), { script: () => FAIL, slots: 300 });
    await worker.finish();
    const letters = await lettersOf(bench, {}, 500);
    expect(letters).toHaveLength(600);
    expect(new Set(stepsOf(letters)).size).toBe(600);
    expect(await bench.store.countDeadLetters()).toEqual([{ task: "item", letters: 600 }]);
    // A call examines so many, however few fit.
    const few = await lettersOf(bench, { task: "join" }, 500);
    expect(few).toEqual([]);
    await retry(bench, run);
    expect(await lettersOf(bench)).toEqual([]);
    expect(await bench.store.countDeadLetters()).toEqual([]);
  });

  test("it is gone when its step runs again, and comes back when that fails again", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL });
    await retry(bench, run);
    expect(await lettersOf(bench)).toEqual([]);
    bench.clock.advance(5_000);
    await work(bench, single(), { a: { fail: "again" } });
    expect(await lettersOf(bench)).toMatchObject([
      { run, diedAtMs: bench.clock.now(), error: expect.stringContaining("again") },
    ]);
  });

  test("purging forgets the letter, and nothing else", async (bench) => {
    const { store, faulty } = bench;
    const { run } = await begin(bench, single(), { a: FAIL });
    const { run: other } = await begin(bench, single(), { a: FAIL });
    const gone = await store.purgeDeadLetters([
      { run, step: "a" },
      { run, step: "b" },
      { run: "nobody", step: "a" },
    ]);
    expect(faulty ? [0, 1] : [1]).toContain(gone);
    expect(await store.getDeadLetter(run, "a")).toBeUndefined();
    expect(await lettersOf(bench)).toMatchObject([{ run: other }]);
    expect(await store.countDeadLetters()).toEqual([{ task: "a", letters: 1 }]);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "failed" });
    await retry(bench, run);
    expect(await work(bench, single())).toEqual(["a"]);
  });

  test("the feed tells of each", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL });
    const { events } = await bench.store.readEvents(0, 100);
    expect(events.filter(({ type }) => type === "step.dead-lettered")).toMatchObject([
      { run, step: "a", detail: { reason: "error", tries: 1, lost: 0 } },
    ]);
  });

  test("names and queues may have any characters", async (bench) => {
    const plan = planOf("spam|eggs", [
      mapStep("x y[]", fromInput("list")),
      taskStep("x y", { in: "x y[]", task: "t:1|ü", queue: "q,1 {x}", input: wire(fromItem("x y[]")) }),
    ]);
    const { run } = await begin(bench, plan, { "x y[1]": FAIL }, { input: { list: [1, 2] } });
    const where = { run, step: "x y[1]", task: "t:1|ü", queue: "q,1 {x}", workflow: "spam|eggs" };
    expect(await lettersOf(bench, { ...where })).toMatchObject([where]);
    expect(await bench.store.countDeadLetters()).toEqual([{ task: "t:1|ü", letters: 1 }]);
    await retry(bench, run);
    expect(await lettersOf(bench)).toEqual([]);
  });
}
