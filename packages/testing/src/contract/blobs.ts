import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { chain, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const HOUR_MS = 3_600_000;
const forever = { ageMs: 1e12, count: 1_000_000 };
const rules = { succeeded: forever, failed: forever, cancelled: forever };
/** Runs end with their success, or stay for ever. */
const purge = async ({ store }: Bench) => {
  for (let n = 0; n < 100; n++) if (!(await store.purge(rules, 500)).more) return;
  throw new Error("the purge never ends");
};

export function blobs(test: BenchTest): void {
  test("blobs of a run are to be deleted once the run is purged, and again when its id is forgotten", async (bench) => {
    const { store, clock, submit, driver } = bench;
    const [gone, kept] = [await submit(single(), 1, { keepMs: 0 }), await submit(chain(2), 2)];
    await store.noteBlobs([gone, kept]);
    await store.noteBlobs([gone]);
    expect(await store.dueBlobs(10)).toEqual({ runs: [], more: false });
    await (await driver([single(), chain(2)])).finish();
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });
    await purge(bench);
    // Told until somebody says that it is done: whoever wanted to do it may have died.
    for (let n = 0; n < 2; n++) expect(await store.dueBlobs(10)).toEqual({ runs: [gone], more: false });
    await store.forgetBlobs([gone]);
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });

    clock.advance(30 * HOUR_MS);
    await purge(bench);
    expect(await store.getRun(gone)).toBeUndefined();
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [gone] });
    await store.forgetBlobs([gone]);
    clock.advance(100 * HOUR_MS);
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });
    expect(await store.getRun(kept)).toMatchObject({ state: "succeeded" });
  });

  test("blobs of many runs that are purged together are to be deleted, and no others", async (bench) => {
    const { store, submit, driver } = bench;
    const runs: string[] = [];
    for (let n = 0; n < 6; n++) runs.push(await submit(single(), n));
    const [first, , third] = runs as [string, string, string];
    await store.noteBlobs([first, third, runs[5] as string]);
    await (await driver(single())).finish();
    const most = { ageMs: 1e12, count: 2 };
    while ((await store.purge({ ...rules, succeeded: most }, 500)).more);
    expect((await store.dueBlobs(10)).runs.toSorted()).toEqual([first, third].toSorted());
  });

  test("blobs of a run that never came are to be deleted a day later", async ({ store, clock, driver }) => {
    const [never, late] = [submissionOf(single(), 1), submissionOf(single(), 2)];
    await store.noteBlobs([never.id, late.id]);
    clock.advance(20 * HOUR_MS);
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });
    await store.submit([late]);
    clock.advance(5 * HOUR_MS);
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [never.id] });
    // Who comes after all has a day again.
    await store.noteBlobs([never.id]);
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });
    await store.submit([never]);
    await (await driver(single())).finish();
    clock.advance(50 * HOUR_MS);
    expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });
  });

  test("they are told a page at a time, the oldest first", async ({ store, clock }) => {
    const runs: string[] = [];
    for (let n = 0; n < 5; n++) {
      runs.push(submissionOf(single(), n).id);
      await store.noteBlobs(runs.slice(-1));
      clock.advance(1);
    }
    clock.advance(25 * HOUR_MS);
    expect(await store.dueBlobs(3)).toEqual({ runs: runs.slice(0, 3), more: true });
    await store.forgetBlobs(runs.slice(0, 3));
    await store.forgetBlobs(runs.slice(0, 3));
    expect(await store.dueBlobs(3)).toEqual({ runs: runs.slice(3), more: false });
  });
}
