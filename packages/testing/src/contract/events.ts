import { type Grant, isRunEvent, type RunEventRecord } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { planOf, taskStep } from "../plans.js";
import { chain, diamond, single } from "../sample-plans.js";
import { turns } from "../signals.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";

async function eventsOf(bench: Bench, run: string, after = 0): Promise<RunEventRecord[]> {
  const all: RunEventRecord[] = [];
  for (let cursor = after; ; ) {
    const page = await bench.store.readEvents(cursor, 7);
    all.push(...page.events.filter(isRunEvent).filter((event) => event.run === run));
    if (page.events.length === 0) return all;
    cursor = page.cursor;
  }
}

export function events(test: BenchTest): void {
  test("the feed tells a run's beginning, its steps and its end, in order", async (bench) => {
    const run = await bench.submit(diamond());
    const other = await bench.submit(chain(3));
    await (await bench.driver([diamond(), chain(3)])).finish();
    for (const id of [run, other]) {
      const found = await eventsOf(bench, id);
      expect(found[0]).toMatchObject({ type: "run.created", atMs: bench.clock.now() });
      expect(found.at(-1)).toMatchObject({ type: "run.ended" });
      expect(found.filter(({ type }) => type === "run.ended")).toHaveLength(1);
      expect(found.filter(({ type }) => type === "run.created")).toHaveLength(1);
      expect(found.some(({ type }) => type === "steps")).toBe(true);
      const cursors = found.map(({ cursor }) => cursor);
      expect(cursors).toEqual([...cursors].sort((a, b) => a - b));
    }
  });

  test("a reader goes on from its cursor, without gap and without repetition", async (bench) => {
    const { store, submit } = bench;
    await submit(single(), 1);
    const first = await store.readEvents(0, 100);
    expect(first).toMatchObject({ gap: false, cursor: await store.lastEvent() });
    await submit(single(), 2);
    const second = await store.readEvents(first.cursor, 100);
    expect(second.gap).toBe(false);
    expect(second.events.length).toBeGreaterThan(0);
    expect(second.events.every(({ cursor }) => cursor > first.cursor)).toBe(true);
    const end = await store.readEvents(second.cursor, 100);
    expect(end).toEqual({ events: [], cursor: second.cursor, gap: false });
  });

  test(
    "a reader whose cursor was trimmed away is told so, by a gap",
    async (bench) => {
      const { store, submit } = bench;
      await submit(single(), 0);
      const { cursor } = await store.readEvents(0, 100);
      for (let n = 1; n <= 600; n++) await submit(single(), n);
      const page = await store.readEvents(cursor, 10);
      expect(page.gap).toBe(true);
      expect(page.events.length).toBeGreaterThan(0);
      expect((await store.readEvents(page.cursor, 10)).gap).toBe(false);
      expect((await store.readEvents(0, 10)).events[0]?.cursor).toBeGreaterThan(cursor);
    },
    { eventsKept: 50 },
  );

  test("retries, losses and quarantines are told by step", async (bench) => {
    const run = await bench.submit(single());
    const worker = await bench.driver(single());
    await worker.retry((await worker.take())[0] as Grant, 0);
    await bench.store.promoteDue(10);
    for (let n = 0; n < 3; n++) {
      const dying = await bench.driver(single());
      await dying.take();
      await bench.expire(dying.session.id);
    }
    const types = (await eventsOf(bench, run)).filter(({ step }) => step === "a").map(({ type }) => type);
    const [retried, ...lost] = types.filter((type) => type !== "steps");
    expect(retried).toBe("step.retry");
    expect(lost.slice(0, 2)).toEqual(["step.lost", "step.lost"]);
    expect(lost.slice(-2)).toEqual(["step.quarantined", "step.dead-lettered"]);
  });

  test("the end of a failed and of a cancelled run is told", async (bench) => {
    const bad = await bench.submit(single(), 1);
    await (await bench.driver(single(), { script: () => FAIL })).finish();
    const gone = await bench.submit(single(), 2);
    await bench.store.cancel(gone);
    for (const run of [bad, gone])
      expect((await eventsOf(bench, run)).at(-1)).toMatchObject({ type: "run.ended" });
  });

  test("who waits for events wakes up when there are some, when aborted, and when they are there already", async ({
    store,
    submit,
  }) => {
    const end = await store.lastEvent();
    const signal = new AbortController();
    const waiting = store.awaitEvents(end, { timeoutMs: 600_000, signal: signal.signal });
    await turns(3);
    await submit(single());
    await waiting;
    await store.awaitEvents(end, { timeoutMs: 600_000, signal: signal.signal });
    const endless = store.awaitEvents(await store.lastEvent(), { timeoutMs: 600_000, signal: signal.signal });
    signal.abort();
    await endless;
  });

  test("who listens wakes up when there is work in its queues, or when aborted", async ({
    store,
    submit,
    driver,
  }) => {
    const worker = await driver(single());
    const controller = new AbortController();
    const wait = { queues: ["default"], timeoutMs: 600_000, signal: controller.signal };
    const listening = store.listen(worker.session.id, wait);
    await turns(3);
    await submit(single());
    await listening;
    expect(await worker.take()).toHaveLength(1);
    const endless = store.listen(worker.session.id, wait);
    await turns(3);
    controller.abort();
    await endless;
  });

  test("who listens wakes up for control work and for mail", async ({ store, submit, driver }) => {
    const worker = await driver(chain(2));
    const other = await driver(chain(2));
    const run = await submit(chain(2));
    await worker.take();
    const wait = { queues: [], timeoutMs: 600_000, signal: new AbortController().signal };
    const listening = store.listen(worker.session.id, wait);
    await turns(3);
    await store.cancel(run);
    await listening;
    const failing = await submit(chain(3), 2);
    await other.fail((await other.take())[0] as Grant);
    expect(failing).toBeDefined();
    await store.listen(worker.session.id, wait);
    expect(await other.takeControl(1)).toHaveLength(1);
  });

  test("of many who listen to a queue, work wakes the one that can run it, at once", async (bench) => {
    const { store, submit, driver } = bench;
    const rare = planOf("rare", [taskStep("b")]);
    const stopping = new AbortController();
    const wait = { queues: ["default"], timeoutMs: 600_000, signal: stopping.signal };
    const others = await Promise.all(Array.from({ length: 6 }, () => driver(single())));
    const able = await driver(rare);
    // Those who cannot run it look for work whenever they are woken, and listen again.
    const idling = others.map(async (other) => {
      while (!stopping.signal.aborted) {
        await store.listen(other.session.id, wait);
        expect(await other.take()).toEqual([]);
      }
    });
    const listening = store.listen(able.session.id, wait);
    await turns(10);
    const began = performance.now();
    const run = await submit(rare);
    await listening;
    const waitedMs = performance.now() - began;
    stopping.abort();
    await Promise.all(idling);
    expect((await able.take()).map(({ lease }) => lease.run)).toEqual([run]);
    // Who is not woken looks by itself, but only some seconds later.
    expect(waitedMs).toBeLessThan(3_000);
  });

  test("closing a store ends waiting calls, and refuses later ones", async ({ store, driver }) => {
    const worker = await driver(single());
    const signal = new AbortController().signal;
    const waits = [
      store.listen(worker.session.id, { queues: ["default"], timeoutMs: 600_000, signal }),
      store.awaitEvents(await store.lastEvent(), { timeoutMs: 600_000, signal }),
    ];
    await turns(3);
    await store.close();
    await Promise.allSettled(waits);
    await expect(store.getRun("01ARZ3NDEKTSV4RRFFQ69G5FAV")).rejects.toMatchObject({ code: "store-closed" });
    await expect(store.submit([submissionOf(single())])).rejects.toMatchObject({ code: "store-closed" });
  });

  test("the end of a run of which nothing is kept is told like any other", async (bench) => {
    const run = await bench.submit(single(), 1, { keepMs: 0 });
    const after = await bench.store.lastEvent();
    await (await bench.driver(single())).finish();
    const ends = (await eventsOf(bench, run, after)).filter(({ type }) => type === "run.ended");
    expect(ends).toMatchObject([{ detail: { state: "succeeded" } }]);
  });
}
