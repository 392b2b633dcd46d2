import type { Retention } from "@jobbers/core";
import { expect } from "vitest";
import { mapped, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { lettersOf } from "./dead-letters.js";
import { FAIL } from "./graph.js";
import { begin, retry, work } from "./retry-work.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const forever = { ageMs: 365 * DAY_MS, count: 1_000_000 };
const none = { ageMs: 0, count: 0 };

/** Nothing is kept but what dead letters keep. */
const onlyLetters = (deadLetters: Retention["deadLetters"] = forever): Retention => ({
  succeeded: none,
  failed: none,
  cancelled: none,
  deadLetters,
});

async function purge({ store }: Bench, retention: Retention, limit = 500) {
  for (let n = 0; n < 1_000; n++) if (!(await store.purge(retention, limit)).more) return;
  throw new Error("the purge never ends");
}

const isKept = async ({ store }: Bench, run: string) => (await store.getRun(run))?.purged === false;

export function letterRetention(test: BenchTest): void {
  test("a run is kept as long as its dead letters, and goes with the last of them", async (bench) => {
    const input = { list: [1, 2, 3] };
    const { run } = await begin(bench, mapped("continue"), { "item[0]": FAIL, "item[2]": FAIL }, { input });
    const { run: good } = await begin(bench, single());
    bench.clock.advance(HOUR_MS);
    await purge(bench, onlyLetters());
    expect([await isKept(bench, run), await isKept(bench, good)]).toEqual([true, false]);
    expect(await lettersOf(bench, { run })).toHaveLength(2);
    await bench.store.purgeDeadLetters([{ run, step: "item[0]" }]);
    await purge(bench, onlyLetters());
    expect(await isKept(bench, run)).toBe(true);
    await bench.store.purgeDeadLetters([{ run, step: "item[2]" }]);
    expect(await isKept(bench, run)).toBe(false);
    await purge(bench, onlyLetters());
    expect(await bench.store.listSteps(run, { limit: 10 })).toMatchObject({ steps: [] });
  });

  test("letters that are too old go, and those that are too many, the oldest first", async (bench) => {
    const runs: string[] = [];
    for (let n = 0; n < 4; n++) {
      runs.push((await begin(bench, single(), { a: FAIL })).run);
      bench.clock.advance(HOUR_MS);
    }
    const rest = async () => (await lettersOf(bench)).map(({ run }) => runs.indexOf(run));
    await purge(bench, { ...onlyLetters({ ageMs: 3.5 * HOUR_MS, count: 100 }), failed: forever });
    expect(await rest()).toEqual([3, 2, 1]);
    await purge(bench, { ...onlyLetters({ ageMs: DAY_MS, count: 1 }), failed: forever });
    expect(await rest()).toEqual([3]);
    expect(await Promise.all(runs.map((run) => isKept(bench, run)))).toEqual([true, true, true, true]);
    await purge(bench, onlyLetters({ ageMs: DAY_MS, count: 1 }));
    expect(await Promise.all(runs.map((run) => isKept(bench, run)))).toEqual([false, false, false, true]);
  });

  test("a call deletes at most so many, letters and rows alike", async (bench) => {
    const list = Array.from({ length: 200 }, (_, i) => i);
    const run = await bench.submit(mapped("continue"), { list });
    const worker = await bench.driver(mapped("continue"), { script: () => FAIL });
    await worker.finish();
    bench.clock.advance(HOUR_MS);
    const { more } = await bench.store.purge(onlyLetters(none), 10);
    expect(more).toBe(true);
    expect((await lettersOf(bench)).length).toBeGreaterThan(0);
    expect(await isKept(bench, run)).toBe(true);
    await purge(bench, onlyLetters(none), 10);
    expect(await lettersOf(bench)).toEqual([]);
    expect(await isKept(bench, run)).toBe(false);
    expect(await bench.store.countDeadLetters()).toEqual([]);
  });

  test("a run with a time of its own takes its letters with it", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL }, { keepMs: HOUR_MS });
    const { run: gone } = await begin(bench, single(), { a: FAIL }, { keepMs: 0 });
    expect(await lettersOf(bench)).toMatchObject([{ run }]);
    expect(await bench.store.getDeadLetter(gone, "a")).toBeUndefined();
    bench.clock.advance(2 * HOUR_MS);
    await purge(bench, onlyLetters());
    expect(await isKept(bench, run)).toBe(false);
    expect(await lettersOf(bench)).toEqual([]);
    expect(await bench.store.countDeadLetters()).toEqual([]);
  });

  test("what only its letters keep may be retried, and is then kept as any other run", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL });
    bench.clock.advance(HOUR_MS);
    await purge(bench, onlyLetters());
    await retry(bench, run);
    await purge(bench, onlyLetters());
    expect(await work(bench, single())).toEqual(["a"]);
    expect(await bench.runState(run)).toBe("succeeded");
    bench.clock.advance(HOUR_MS);
    await purge(bench, onlyLetters());
    expect(await isKept(bench, run)).toBe(false);
  });

  test("without a rule for letters they go with their runs", async (bench) => {
    const { run } = await begin(bench, single(), { a: FAIL });
    bench.clock.advance(HOUR_MS);
    await purge(bench, { ...onlyLetters(), deadLetters: undefined });
    expect(await isKept(bench, run)).toBe(false);
    expect(await lettersOf(bench)).toEqual([]);
  });
}
