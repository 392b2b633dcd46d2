import type { Beat, Bulletin, Grant, ProgressRecord, Store } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { chain, mapped, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** A beat of a granted step, given this very moment. */
function beatOf({ lease }: Pick<Grant, "lease">, parts: Partial<Beat> = {}): Beat {
  return { lease, agoMs: 0, forMs: 0, rest: '{"done":1,"total":2}', ...parts };
}

/** Renews as a worker that has something to tell. */
function tell(store: Store, { session }: Driver, seq: number, bulletin: Partial<Bulletin>) {
  const told = { seq, slots: 10, running: 1, beats: [], durations: [], ...bulletin };
  return store.renew(session.id, { lagMs: 0, bulletin: told });
}

async function progressOf({ store }: Bench, run: string, address: string) {
  return (await store.getStep(run, address))?.progress;
}

/** A taken step, of a run that a store may keep in a short form, and of one whose input is too long for that. */
const forms = [
  ["in a short form", 1],
  ["with a long input", "x".repeat(2_000)],
] as const;

export function heartbeats(test: BenchTest): void {
  for (const [form, input] of forms) {
    test(`a running step shows what it said last: ${form}`, async (bench) => {
      const { store, clock, submit, driver } = bench;
      const run = await submit(single(), input);
      const worker = await driver(single());
      const [grant] = (await worker.take()) as [Grant];
      expect(await store.getStep(run, "a")).toMatchObject({ session: worker.session.id });
      expect(await progressOf(bench, run, "a")).toBeUndefined();
      const startMs = clock.now();
      await tell(store, worker, 1, { beats: [beatOf(grant, { at: "parsing", agoMs: 30, forMs: 200 })] });
      const first: ProgressRecord = {
        ...{ at: "parsing", done: 1, total: 2 },
        ...{ sinceMs: startMs - 200, heardAtMs: startMs - 30 },
      };
      expect(await progressOf(bench, run, "a")).toEqual(first);
      // What it is at has not changed, so neither has the time since when.
      clock.advance(5_000);
      await tell(store, worker, 2, { beats: [beatOf(grant, { at: "parsing", forMs: 4_900, rest: "{}" })] });
      expect(await progressOf(bench, run, "a")).toEqual({
        ...{ at: "parsing", sinceMs: startMs - 200, heardAtMs: startMs + 5_000 },
      });
      clock.advance(5_000);
      await tell(store, worker, 3, { beats: [beatOf(grant, { at: 'quoted "\u0000' })] });
      expect((await store.listSteps(run, { limit: 10 })).steps[0]?.progress).toMatchObject({
        ...{ at: 'quoted "\u0000', done: 1, total: 2, sinceMs: startMs + 10_000 },
      });
    });

    test(`progress ends with its step: ${form}`, async (bench) => {
      const { store, submit, driver } = bench;
      const worker = await driver(single());
      const ways: ((grant: Grant) => Promise<unknown>)[] = [
        (grant) => worker.succeed(grant),
        (grant) => worker.fail(grant),
        (grant) => worker.retry(grant, 1_000),
        ({ lease }) => store.release(worker.session.id, [lease]),
        async (grant) => {
          await store.cancel(grant.lease.run);
          await worker.succeed(grant);
        },
        () => store.closeSession(worker.session.id),
      ];
      for (const [i, end] of ways.entries()) {
        const run = await submit(single(), input, { priority: i });
        const [grant] = (await worker.take()) as [Grant];
        expect(grant.lease.run).toBe(run);
        await tell(store, worker, i + 1, { beats: [beatOf(grant)] });
        expect(await progressOf(bench, run, "a")).toMatchObject({ done: 1 });
        await end(grant);
        expect(await progressOf(bench, run, "a")).toBeUndefined();
      }
    });

    test(`a beat under a fence that is not the newest changes nothing: ${form}`, async (bench) => {
      const { store, submit, driver } = bench;
      const run = await submit(single(), input);
      const [first, second] = [await driver(single()), await driver(single())];
      const [old] = (await first.take()) as [Grant];
      await store.release(first.session.id, [old.lease]);
      const stale = { status: "alive", stale: [old.lease] };
      expect(await tell(store, first, 1, { beats: [beatOf(old)] })).toMatchObject(stale);
      expect(await progressOf(bench, run, "a")).toBeUndefined();
      const [grant] = (await second.take()) as [Grant];
      expect((await tell(store, second, 1, { beats: [beatOf(grant, { at: "new" })] })).stale).toBeUndefined();
      expect(await tell(store, first, 2, { beats: [beatOf(old, { at: "old" })] })).toMatchObject(stale);
      // Nor does one under the right fence, from who does not hold the step.
      expect(await tell(store, first, 3, { beats: [beatOf(grant, { at: "mine" })] })).toMatchObject({
        stale: [grant.lease],
      });
      expect(await progressOf(bench, run, "a")).toMatchObject({ at: "new" });
    });

    test(`what is lost with its worker has no progress: ${form}`, async (bench) => {
      const { store, submit, driver, expire } = bench;
      const run = await submit(single(), input);
      const worker = await driver(single());
      const [grant] = (await worker.take()) as [Grant];
      await tell(store, worker, 1, { beats: [beatOf(grant)] });
      await expire(worker.session.id);
      expect(await tell(store, worker, 2, { beats: [beatOf(grant)] })).toMatchObject({ status: "lost" });
      expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", lost: 1 });
      expect(await progressOf(bench, run, "a")).toBeUndefined();
      const next = await driver(single());
      await next.take();
      expect(await progressOf(bench, run, "a")).toBeUndefined();
    });
  }

  test("a bulletin that is repeated or overtaken is applied no more", async (bench) => {
    const { store, clock, submit, driver } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const [grant] = (await worker.take()) as [Grant];
    const durations = [{ task: "a", counts: { 4: 3 } }];
    await tell(store, worker, 1, { beats: [beatOf(grant, { at: "first" })], durations });
    await tell(store, worker, 2, { beats: [beatOf(grant, { at: "second" })], durations, running: 7 });
    const before = await store.getStep(run, "a");
    clock.advance(1_000);
    await tell(store, worker, 1, { beats: [beatOf(grant, { at: "first" })], durations });
    await tell(store, worker, 2, { beats: [beatOf(grant, { at: "other" })], durations });
    expect(await store.getStep(run, "a")).toEqual(before);
    expect((await store.readDurations(["a"])).a?.count).toBe(6);
    const listed = (await store.listWorkers()).find(({ session }) => session === worker.session.id);
    expect(listed).toMatchObject({ running: 7 });
    // A session of its own counts from 1 again.
    const other = await driver(single());
    await tell(store, other, 1, { durations });
    expect((await store.readDurations(["a"])).a?.count).toBe(9);
  });

  test("the progress of many steps is told and read at once", async (bench) => {
    const { store, submit, driver } = bench;
    const list = Array.from({ length: 120 }, (_, i) => i);
    const run = await submit(mapped(), { list });
    const others = await Promise.all(list.slice(0, 20).map(() => submit(single())));
    const worker = await driver([mapped(), single()], { slots: 500 });
    const grants: Grant[] = [];
    for (let round = 0; round < 50 && grants.length < 140; round++) grants.push(...(await worker.take(500)));
    const beats = grants.map((grant) => beatOf(grant, { at: grant.lease.address }));
    expect((await tell(store, worker, 1, { beats })).stale).toBeUndefined();
    const { steps } = await store.listSteps(run, { limit: 500, states: ["running"] });
    expect(steps).toHaveLength(120);
    for (const { address, progress } of steps) expect(progress?.at).toBe(address);
    for (const id of others) expect(await progressOf(bench, id, "a")).toMatchObject({ at: "a" });
    for (const grant of grants) await worker.succeed(grant);
    await worker.finish();
    const after = (await store.listSteps(run, { limit: 500 })).steps;
    expect(after.filter(({ progress, session }) => progress ?? session)).toEqual([]);
  });

  test("progress stays with its step while others of its run move", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(chain(3));
    const worker = await driver(chain(3));
    for (let n = 1; n <= 2; n++) await worker.succeed((await worker.take())[0] as Grant);
    const [grant] = (await worker.take()) as [Grant];
    await tell(store, worker, 1, { beats: [beatOf(grant, { at: "end" })] });
    expect(await progressOf(bench, run, grant.lease.address)).toMatchObject({ at: "end" });
    // A run that is being cancelled takes another form in some stores.
    await store.cancel(run);
    expect(await progressOf(bench, run, grant.lease.address)).toMatchObject({ at: "end" });
  });

  test("a single step that takes another form keeps its progress", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const [grant] = (await worker.take()) as [Grant];
    await tell(store, worker, 1, { beats: [beatOf(grant, { at: "here" })] });
    await store.cancel(run);
    expect(await progressOf(bench, run, "a")).toMatchObject({ at: "here" });
    await tell(store, worker, 2, { beats: [beatOf(grant, { at: "there" })] });
    expect(await progressOf(bench, run, "a")).toMatchObject({ at: "there" });
  });
}
