import { type Grant, LINE_LOOK_LIMIT, type LinePlace, RUN_ADDRESS, type Store } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { diamond, manyEntries, mapped, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

const UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

async function lineOf(store: Store, run: string, address = "a"): Promise<LinePlace | undefined> {
  return (await store.whereIs(run, address)).step?.line;
}

export function whereabouts(test: BenchTest): void {
  test("a step in a line has its place there, behind those of higher priority", async (bench) => {
    const { store, clock, submit } = bench;
    const runs = [await submit(single()), await submit(diamond()), await submit(single())];
    const urgent = await submit(single(), null, { priority: 8 });
    const place = { queue: "default", atLeast: false, depth: 4 };
    expect(await store.whereIs(runs[0] as string, "a")).toEqual({
      nowMs: clock.now(),
      step: {
        state: "ready",
        phase: "run",
        needs: "a",
        cursor: 0,
        line: { ...place, priority: 5, before: 1 },
      },
    });
    expect(await lineOf(store, runs[1] as string)).toEqual({ ...place, priority: 5, before: 2 });
    expect(await lineOf(store, runs[2] as string)).toEqual({ ...place, priority: 5, before: 3 });
    expect(await lineOf(store, urgent)).toEqual({ ...place, priority: 8, before: 0 });
    await store.setQueue("default", { priority: "weighted" }, "ada");
    expect(await lineOf(store, runs[2] as string)).toMatchObject({ ...place, priority: 5, before: 2 });
  });

  test("a step that was given back has its place at the end", async ({ store, submit, driver }) => {
    const one = await submit(single());
    const two = await submit(diamond());
    const worker = await driver(single());
    const grants = await worker.take(2);
    await submit(single());
    await store.release(
      worker.session.id,
      [...grants].reverse().map(({ lease }) => lease),
    );
    expect(await lineOf(store, two)).toMatchObject({ before: 1, depth: 3 });
    expect(await lineOf(store, one)).toMatchObject({ before: 2, depth: 3 });
  });

  test("a step that was moved to those who serve it has its place there", async ({
    store,
    submit,
    driver,
  }) => {
    const runs = [await submit(single()), await submit(diamond()), await submit(single())];
    const stranger = await driver(single(), { serves: ["other"] });
    expect(await stranger.take()).toEqual([]);
    for (const [i, run] of runs.entries())
      expect((await store.whereIs(run, "a")).step).toMatchObject({
        ...{ state: "ready", needs: "a" },
        line: { queue: "default", before: i, atLeast: false, depth: 3 },
      });
  });

  test("control work stands in a line of its own", async ({ store, submit, driver }) => {
    await submit(single());
    const run = await submit(mapped(), { list: [1, 2] });
    const control = { state: "ready", phase: "expand", needs: "", cursor: 0 };
    const line = { queue: "", priority: 5, before: 0, atLeast: false, depth: 1 };
    expect((await store.whereIs(run, "item[]")).step).toEqual({ ...control, line });
    const worker = await driver(mapped());
    const [expand] = (await worker.takeControl()) as [Grant];
    expect((await store.whereIs(run, "item[]")).step).toMatchObject({ state: "running", phase: "expand" });
    await worker.control(expand);
    expect((await store.whereIs(run, "item[]")).step).toMatchObject({ state: "expanding", cursor: 2 });
    // Inside of a map, too.
    expect(await lineOf(store, run, "item[1]")).toMatchObject({ before: 2, depth: 3 });
  });

  test("what is left of a submission's entry steps stands at the run's own address", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(manyEntries(4), null, { pageLimit: 2 });
    expect((await store.whereIs(run, RUN_ADDRESS)).step).toEqual({
      ...{ state: "ready", phase: "enter", needs: "", cursor: 2 },
      line: { queue: "", priority: 5, before: 0, atLeast: false, depth: 1 },
    });
    await (await driver(manyEntries(4))).take();
    expect((await store.whereIs(run, RUN_ADDRESS)).step).toMatchObject({ state: "succeeded" });
    const small = await submit(single());
    expect((await store.whereIs(small, RUN_ADDRESS)).step).toBeUndefined();
  });

  test("a settled step of which nobody has said what follows stands among the control work", async (bench) => {
    const { store, submit, driver, expire } = bench;
    const run = await submit(diamond());
    for (let n = 0; n < 3; n++) {
      const worker = await driver(diamond());
      await worker.take();
      await expire(worker.session.id);
    }
    expect((await store.whereIs(run, "a")).step).toMatchObject({
      ...{ state: "failed", phase: "advance", needs: "" },
      line: { queue: "", before: 0, depth: 1 },
    });
  });

  test("a step that runs is in the hands of a session, until that is found lost", async (bench) => {
    const { store, clock, submit, driver, sweep, sweepMs } = bench;
    await sweep();
    for (const plan of [single(), diamond()]) {
      const run = await submit(plan);
      const worker = await driver(plan, { worker: "w 1;", leaseMs: 3 * sweepMs });
      const expiresAtMs = clock.now() + 3 * sweepMs;
      await worker.take();
      const session = worker.session.id;
      const holder = { session, worker: "w 1;", state: "open", expiresAtMs };
      const running = { state: "running", phase: "run", needs: "a", cursor: 0 };
      const taken = await store.whereIs(run, "a");
      expect(taken).toEqual({ nowMs: clock.now(), step: { ...running, holder } });
      for (let n = 0; n < 4; n++) await sweep();
      const suspectAtMs = clock.now();
      expect(await store.whereIs(run, "a")).toEqual({
        nowMs: suspectAtMs,
        step: { ...running, holder: { ...holder, suspectAtMs } },
      });
      await sweep();
      expect((await store.whereIs(run, "a")).step).toMatchObject({ state: "ready", line: { before: 0 } });
      await store.cancel(run);
      await (await driver(plan)).finish();
    }
  });

  test("a session that never expires has no end", async ({ store, submit, driver }) => {
    const run = await submit(single());
    await (await driver(single(), { leaseMs: Number.POSITIVE_INFINITY })).take();
    expect((await store.whereIs(run, "a")).step?.holder).toMatchObject({ state: "open", worker: "tester" });
    expect((await store.whereIs(run, "a")).step?.holder?.expiresAtMs).toBeUndefined();
  });

  test("what waits for a timer or for its parents stands nowhere", async ({ store, submit, driver }) => {
    const run = await submit(diamond());
    const worker = await driver(diamond());
    const [a] = (await worker.take()) as [Grant];
    await worker.retry(a, 1_000);
    expect((await store.whereIs(run, "a")).step).toEqual({
      ...{ state: "waiting", phase: "run", needs: "a", cursor: 0 },
    });
    const later = await submit(single(), null, { delayMs: 1_000 });
    expect((await store.whereIs(later, "a")).step).toMatchObject({ state: "waiting" });
    expect(await lineOf(store, later)).toBeUndefined();
  });

  test("what is not there, and what has ended, is nowhere", async ({ store, clock, submit, driver }) => {
    const run = await submit(single());
    const nowhere = { nowMs: clock.now(), step: undefined };
    expect(await store.whereIs(UNKNOWN, "a")).toEqual(nowhere);
    expect(await store.whereIs(run, "b")).toEqual(nowhere);
    await (await driver(single())).finish();
    expect(await store.whereIs(run, "a")).toEqual(nowhere);
  });

  test(
    "in a long line the place is counted from the nearer end, and no further than the limit",
    async ({ store, faulty, driver }) => {
      // Nothing here has to do with calls that are repeated, and it would take long.
      if (faulty) return;
      const runs = Array.from({ length: 2 * LINE_LOOK_LIMIT + 3 }, () => submissionOf(single()));
      await store.submit(runs);
      const at = async (n: number) => lineOf(store, runs.at(n)?.id as string);
      const depth = runs.length;
      const check = async () => {
        expect(await at(LINE_LOOK_LIMIT - 1)).toMatchObject({ before: LINE_LOOK_LIMIT - 1, atLeast: false });
        expect(await at(LINE_LOOK_LIMIT)).toMatchObject({ before: LINE_LOOK_LIMIT, atLeast: true, depth });
        expect(await at(-LINE_LOOK_LIMIT)).toMatchObject({ before: LINE_LOOK_LIMIT + 3, atLeast: false });
        expect(await at(-1)).toMatchObject({ before: depth - 1, atLeast: false });
      };
      await check();
      // Moved, all of them, to those who serve them.
      const stranger = await driver(single(), { serves: [] });
      await stranger.take();
      await check();
      // To look through all of them afterwards would take longer than the test.
      await store.close();
    },
    { timeoutMs: 60_000 },
  );
}
