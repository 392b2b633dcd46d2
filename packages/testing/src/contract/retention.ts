import type { Retention, Submission } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { mapped, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const forever = { ageMs: 365 * DAY_MS, count: 1_000_000 };

const keepFor = (rules: Partial<Retention>): Retention => ({
  succeeded: forever,
  failed: forever,
  cancelled: forever,
  ...rules,
});

async function purge(bench: Bench, retention: Retention, limit = 500) {
  for (let n = 0; n < 1_000; n++) if (!(await bench.store.purge(retention, limit)).more) return;
  throw new Error("the purge never ends");
}

/** Submits runs one after the other and lets each succeed, an hour apart. */
async function succeedHourly(bench: Bench, count: number) {
  const runs: string[] = [];
  const worker = await bench.driver(single(), { leaseMs: Number.POSITIVE_INFINITY });
  for (let n = 0; n < count; n++) {
    runs.push(await bench.submit(single(), n));
    await worker.finish();
    bench.clock.advance(HOUR_MS);
  }
  return runs;
}

const kept = async (bench: Bench, runs: readonly string[]) => {
  const records = await Promise.all(runs.map((run) => bench.store.getRun(run)));
  return records.map((record) => record !== undefined && !record.purged);
};

export function retention(test: BenchTest): void {
  test("ended runs are deleted when they are too old, with all that belongs to them", async (bench) => {
    const runs = await succeedHourly(bench, 3);
    await purge(bench, keepFor({ succeeded: { ageMs: 2.5 * HOUR_MS, count: 100 } }));
    expect(await kept(bench, runs)).toEqual([false, true, true]);
    const [gone] = runs as [string];
    expect(await bench.store.listSteps(gone, { limit: 10 })).toMatchObject({ steps: [] });
    expect(await bench.store.readValues(gone, ["a", ":input"])).toEqual({ a: null, ":input": null });
    expect((await bench.store.listRuns({ limit: 10 })).runs.map(({ id }) => id)).toEqual([runs[2], runs[1]]);
  });

  test("ended runs are deleted when there are too many, the oldest first", async (bench) => {
    const runs = await succeedHourly(bench, 5);
    await purge(bench, keepFor({ succeeded: { ageMs: 30 * DAY_MS, count: 2 } }));
    expect(await kept(bench, runs)).toEqual([false, false, false, true, true]);
  });

  test("each outcome has a retention of its own, and runs that have not ended are kept", async (bench) => {
    const [good] = (await succeedHourly(bench, 1)) as [string];
    const bad = await bench.submit(single(), "bad");
    await (await bench.driver(single(), { script: () => FAIL })).finish();
    const stopped = await bench.submit(single(), "cancelled");
    await bench.store.cancel(stopped);
    const open = await bench.submit(single(), "open");
    bench.clock.advance(2 * DAY_MS);
    const none = { ageMs: DAY_MS, count: 100 };
    await purge(bench, keepFor({ failed: none }));
    expect(await kept(bench, [good, bad, stopped, open])).toEqual([true, false, true, true]);
    await purge(bench, keepFor({ cancelled: none }));
    expect(await kept(bench, [good, bad, stopped, open])).toEqual([true, false, false, true]);
    await purge(bench, keepFor({ succeeded: none }));
    expect(await kept(bench, [good, bad, stopped, open])).toEqual([false, false, false, true]);
  });

  test("a large run is deleted a bit at a time", async (bench) => {
    const run = await bench.submit(mapped(), { list: Array.from({ length: 60 }, (_, i) => i) });
    await (await bench.driver(mapped())).finish();
    const rules = keepFor({ succeeded: { ageMs: 0, count: 0 } });
    bench.clock.advance(1);
    const first = await bench.store.purge(rules, 10);
    expect(first.purged).toBeLessThanOrEqual(10);
    expect(first.more).toBe(true);
    await purge(bench, rules, 10);
    expect(await kept(bench, [run])).toEqual([false]);
    expect(await bench.store.listSteps(run, { limit: 100 })).toMatchObject({ steps: [] });
    expect(await bench.store.countSteps(run)).toEqual([]);
  });

  test("an id is remembered 24 h beyond its run", async (bench) => {
    const submission = submissionOf(single(), 1);
    await bench.store.submit([submission]);
    await (await bench.driver(single())).finish();
    bench.clock.advance(HOUR_MS);
    const rules = keepFor({ succeeded: { ageMs: 1_000, count: 100 } });
    await purge(bench, rules);
    expect(await bench.store.getRun(submission.id)).toMatchObject({ purged: true, id: submission.id });
    bench.clock.advance(DAY_MS - 2 * HOUR_MS);
    await purge(bench, rules);
    expect((await bench.store.submit([submission]))[0]).toMatchObject({
      status: "existing",
      state: "succeeded",
    });
    const other = submissionOf(single(), 2, { id: submission.id });
    expect((await bench.store.submit([other]))[0]).toMatchObject({ status: "conflict" });
    bench.clock.advance(3 * HOUR_MS);
    await purge(bench, rules);
    expect(await bench.store.getRun(submission.id)).toBeUndefined();
    expect((await bench.store.submit([other]))[0]).toMatchObject({ id: submission.id, state: "running" });
  });

  test("of many alike, as many go as are too old or too many, whatever stands between them", async (bench) => {
    const { store, clock, submit, driver } = bench;
    const batch = (count: number) => Array.from({ length: count }, (_, n) => submissionOf(single(), n));
    const work = async () => (await driver(single(), { slots: 100 })).finish();
    const first = batch(60);
    await store.submit(first);
    await work();
    // One that is kept in another form, and one of another plan.
    const long = await submit(single(), "x".repeat(2_000));
    await work();
    const other = await submit(single({ queue: "side" }), "side");
    await (await driver(single({ queue: "side" }))).finish();
    clock.advance(HOUR_MS);
    const second = batch(60);
    await store.submit(second);
    await work();
    const early = first.map(({ id }) => id);
    const late = second.map(({ id }) => id);
    const all = [...early, long, other, ...late];
    const left = async () => (await kept(bench, all)).filter((isKept) => isKept).length;
    const count = async (limit: number, most: number) =>
      store.purge(keepFor({ succeeded: { ageMs: 30 * DAY_MS, count: most } }), limit);
    await count(500, 120);
    expect(await kept(bench, all)).toEqual(all.map((_, n) => n >= 2));
    for (let before = 120; before > 90; ) {
      const { more } = await count(10, 90);
      const now = await left();
      expect(before - now).toBeLessThanOrEqual(bench.faulty ? 20 : 10);
      expect([now > 90, more]).not.toEqual([true, false]);
      before = now;
    }
    expect(await left()).toBe(90);
    await purge(bench, keepFor({ succeeded: { ageMs: HOUR_MS, count: 1_000 } }));
    expect(await kept(bench, all)).toEqual(all.map((_, n) => n >= 62));
    expect(await store.getRun(early[5] as string)).toMatchObject({
      purged: true,
      state: "succeeded",
      name: "single",
    });
    expect((await store.submit([first[5] as Submission]))[0]).toMatchObject({ status: "existing" });
    await purge(bench, keepFor({ succeeded: { ageMs: 30 * DAY_MS, count: 0 } }));
    expect(await left()).toBe(0);
    // Nobody needs their plan any more.
    expect(await store.getPlan((first[0] as Submission).plan)).toBeUndefined();
    clock.advance(2 * DAY_MS);
    await purge(bench, keepFor({}));
    expect(await Promise.all(all.map((id) => store.getRun(id)))).toEqual(all.map(() => undefined));
  });

  test("a run that is to be kept 0 ms leaves only its id", async (bench) => {
    const submission = submissionOf(single(), 1, { keepMs: 0 });
    await bench.store.submit([submission]);
    await (await bench.driver(single())).finish();
    await purge(bench, keepFor({}));
    expect(await bench.store.getRun(submission.id)).toMatchObject({ purged: true, state: "succeeded" });
    expect(await bench.store.readValues(submission.id, ["a"])).toEqual({ a: null });
    expect((await bench.store.submit([submission]))[0]).toMatchObject({ status: "existing" });
  });

  test("a run's own time goes before the store's, shorter or longer", async (bench) => {
    const short = await bench.submit(single(), 1, { keepMs: HOUR_MS });
    const long = await bench.submit(single(), 2, { keepMs: 9 * DAY_MS });
    await (await bench.driver(single())).finish();
    bench.clock.advance(2 * HOUR_MS);
    await purge(bench, keepFor({}));
    expect(await kept(bench, [short, long])).toEqual([false, true]);
    bench.clock.advance(2 * DAY_MS);
    await purge(bench, keepFor({ succeeded: { ageMs: DAY_MS, count: 0 } }));
    expect(await kept(bench, [long])).toEqual([true]);
    bench.clock.advance(8 * DAY_MS);
    await purge(bench, keepFor({}));
    expect(await kept(bench, [long])).toEqual([false]);
  });

  test("a plan is kept while a run needs it", async (bench) => {
    const open = submissionOf(single(), 1);
    await bench.store.submit([open]);
    bench.clock.advance(DAY_MS);
    await purge(bench, keepFor({ succeeded: { ageMs: 0, count: 0 } }));
    expect(await bench.store.getPlan(open.plan)).toBe(open.planText);
  });
}
