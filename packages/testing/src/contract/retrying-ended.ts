import { isRunEvent, type Retention } from "@jobbers/core";
import { expect } from "vitest";
import { mapped, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

const HOUR_MS = 3_600_000;
const rule = { ageMs: 10 * HOUR_MS, count: 100 };
const retention: Retention = { succeeded: rule, failed: rule, cancelled: rule };

/** What a retry does to what follows a run's end: its events and its retention. */
export function retryingEnded(test: BenchTest): void {
  test("retention has a retried run no longer, and has it again from its new end on", async (bench) => {
    for (const keepMs of [undefined, 10 * HOUR_MS]) {
      const { run } = await begin(bench, single(), { a: FAIL }, keepMs === undefined ? {} : { keepMs });
      bench.clock.advance(9 * HOUR_MS);
      await retry(bench, run);
      bench.clock.advance(9 * HOUR_MS);
      await bench.store.purge(retention, 500);
      expect(await bench.store.getRun(run)).toMatchObject({ purged: false, state: "running" });
      await work(bench, single(), { a: FAIL });
      bench.clock.advance(9 * HOUR_MS);
      await bench.store.purge(retention, 500);
      expect(await bench.store.getRun(run)).toMatchObject({ purged: false, state: "failed" });
      bench.clock.advance(2 * HOUR_MS);
      await bench.store.purge(retention, 500);
      expect(await bench.store.getRun(run)).toMatchObject({ purged: true });
    }
  });

  test("of many ended runs, each finds its place among them when it is retried", async (bench) => {
    const runs: string[] = [];
    for (let n = 0; n < 5; n++) runs.push((await begin(bench, single(), { a: FAIL })).run);
    for (const run of [runs[4], runs[0], runs[2]] as string[]) await retry(bench, run);
    expect(await work(bench, single())).toHaveLength(3);
    const none = { ageMs: HOUR_MS, count: 0 };
    await bench.store.purge({ ...retention, failed: none }, 500);
    const records = await Promise.all(runs.map((run) => bench.store.getRun(run)));
    expect(records.map((record) => record?.purged)).toEqual([false, true, false, true, false]);
  });

  test("a run of which only the id is left is purged, and stays so", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL });
    await bench.store.purge({ ...retention, failed: { ageMs: HOUR_MS, count: 0 } }, 500);
    expect(await bench.store.retry(run)).toEqual({ status: "purged" });
    const unkept = (await begin(bench, single(), { a: FAIL }, { keepMs: 0 })).run;
    expect(await bench.store.retry(unkept)).toEqual({ status: "purged" });
    expect(await work(bench, single())).toEqual([]);
  });

  test("the feed tells the retry, and then the new end", async (bench) => {
    const { run } = await begin(bench, mapped(), { "item[0]": FAIL }, { input: { list: [1] } });
    const cursor = await bench.store.lastEvent();
    await retry(bench, run);
    expect((await bench.store.readEvents(cursor, 100)).events).toHaveLength(1);
    await work(bench, mapped());
    const { events } = await bench.store.readEvents(cursor, 100);
    const own = events.filter(isRunEvent).filter((event) => event.run === run);
    expect(own[0]).toMatchObject({ type: "run.retried", atMs: bench.clock.now() });
    expect(own.filter(({ type }) => type === "run.retried")).toHaveLength(1);
    expect(own.at(-1)).toMatchObject({ type: "run.ended", detail: { state: "succeeded" } });
  });
}
