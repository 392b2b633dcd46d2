import { type Grant, MAX_DURATION_MS } from "@jobbers/core";
import { expect } from "vitest";
import { chain, single } from "../sample-plans.js";
import { turns } from "../signals.js";
import type { BenchTest } from "./bench.js";

export function timers(test: BenchTest): void {
  test("a run with a delay is scheduled until it has passed", async ({
    store,
    clock,
    submit,
    driver,
    runState,
  }) => {
    const run = await submit(single(), null, { delayMs: 60_000 });
    const worker = await driver(single(), { leaseMs: Number.POSITIVE_INFINITY });
    expect(await store.getRun(run)).toMatchObject({ state: "scheduled" });
    expect(await worker.take()).toEqual([]);
    clock.advance(59_999);
    expect(await store.promoteDue(10)).toMatchObject({ nextDueMs: 1 });
    expect(await worker.take()).toEqual([]);
    clock.advance(1);
    await store.promoteDue(10);
    expect(await runState(run)).toBe("running");
    expect(await worker.finish()).toBe(1);
    expect(await runState(run)).toBe("succeeded");
  });

  test("a run at an instant is scheduled until then, by the store's clock", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const run = await submit(single(), null, { runAtMs: clock.now() + 1_000 });
    expect((await store.getRun(run))?.state).toBe("scheduled");
    clock.advance(1_000);
    await store.promoteDue(10);
    expect(await (await driver(single())).finish()).toBe(1);
  });

  test("a run at an instant that has passed runs at once", async ({ store, clock, submit, driver }) => {
    await submit(single(), null, { runAtMs: clock.now() - 1_000 });
    await submit(single(), null, { delayMs: 0 });
    await store.promoteDue(10);
    expect(await (await driver(single())).finish()).toBe(2);
  });

  test("a retry waits for its delay, and costs a try", async ({ store, clock, submit, driver }) => {
    const run = await submit(single());
    const worker = await driver(single());
    const [first] = (await worker.take()) as [Grant];
    expect(await worker.retry(first, 1_000)).toBe("accepted");
    expect(await store.getStep(run, "a")).toMatchObject({
      state: "waiting",
      tries: 1,
      dueAtMs: clock.now() + 1_000,
    });
    expect(await store.listHeld(worker.session.id)).toEqual([]);
    clock.advance(999);
    await store.promoteDue(10);
    expect(await worker.take()).toEqual([]);
    clock.advance(1);
    await store.promoteDue(10);
    const [second] = (await worker.take()) as [Grant];
    expect(second).toMatchObject({ tries: 1, lost: 0 });
    expect(second.lease.fence).toBeGreaterThan(first.lease.fence);
    expect(await store.listAttempts(run, "a")).toMatchObject([
      {
        fence: first.lease.fence,
        reason: "error",
        worker: "tester",
        error: expect.stringContaining("again"),
      },
    ]);
  });

  for (const [away, delayMs] of [
    ["a day", 24 * 3_600_000],
    ["ten years", MAX_DURATION_MS],
  ] as const) {
    test(`a retry may be ${away} away, and survives a restart`, async ({
      store,
      clock,
      submit,
      driver,
      reopen,
    }) => {
      const run = await submit(single());
      const worker = await driver(single());
      await worker.retry((await worker.take())[0] as Grant, delayMs);
      if (reopen) await store.close();
      const next = reopen ? await reopen() : store;
      const dueAtMs = clock.now() + delayMs;
      expect(await next.getStep(run, "a")).toMatchObject({ state: "waiting", tries: 1, dueAtMs });
      clock.advance(delayMs - 1);
      expect(await next.promoteDue(10)).toMatchObject({ nextDueMs: 1 });
      expect((await next.getStep(run, "a"))?.state).toBe("waiting");
      clock.advance(1);
      await next.promoteDue(10);
      expect(await next.getStep(run, "a")).toMatchObject({ state: "ready", tries: 1 });
    });
  }

  test("an exchange tells when the next timer is due", async ({ submit, driver }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.retry((await worker.take())[0] as Grant, 5_000);
    await submit(single(), 2, { delayMs: 9_000 });
    expect((await worker.exchange([])).nextDueMs).toBe(5_000);
  });

  test("who schedules a run tells one of those who listen, so that somebody wakes up in time", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const worker = await driver(single());
    const listen = async () => {
      const signal = new AbortController().signal;
      const listening = store.listen(worker.session.id, { queues: ["default"], timeoutMs: 600_000, signal });
      await turns(3);
      return { listening };
    };
    const first = await listen();
    await submit(single(), 1, { delayMs: 8_000 });
    await first.listening;
    expect((await worker.exchange([])).nextDueMs).toBe(8_000);
    const second = await listen();
    await submit(single(), 2, { runAtMs: clock.now() + 3_000 });
    await second.listening;
    expect((await worker.exchange([])).nextDueMs).toBe(3_000);
    clock.advance(3_000);
    await store.promoteDue(10);
    expect(await worker.finish()).toBe(1);
    // An earlier timer is gone by now, and counts no more.
    const third = await listen();
    await submit(single(), 3, { delayMs: 4_000 });
    await third.listening;
    expect((await worker.exchange([])).nextDueMs).toBe(4_000);
  });

  test("timers are promoted a bit at a time, in order of their due time", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const runs = [];
    for (let n = 0; n < 5; n++) runs.push(await submit(single(), n, { delayMs: 1_000 * (5 - n) }));
    clock.advance(10_000);
    expect((await store.promoteDue(2)).promoted).toBeLessThanOrEqual(2);
    for (let n = 0; n < 5; n++) await store.promoteDue(2);
    const grants = await (await driver(single())).take(10);
    expect(grants.map(({ lease }) => lease.run)).toEqual([...runs].reverse());
  });

  test("time never runs backwards, even where the store's clock does", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const first = await submit(single(), 1);
    const startedMs = clock.now();
    clock.set(startedMs - 3_600_000);
    const second = await submit(single(), 2);
    const worker = await driver(single());
    expect(await worker.finish()).toBe(2);
    for (const run of [first, second]) {
      const record = await store.getRun(run);
      expect(record?.createdAtMs).toBeGreaterThanOrEqual(startedMs);
      expect(record?.endedAtMs).toBeGreaterThanOrEqual(record?.createdAtMs as number);
    }
    expect((await store.listRuns({ limit: 2 })).runs.map(({ id }) => id)).toEqual([second, first]);
  });

  test("a step may be tried many times", async ({ store, clock, submit, driver, runState }) => {
    const run = await submit(chain(2));
    const worker = await driver(chain(2), {
      script: ({ address, tries }) =>
        address === "s1" && tries < 20 ? { retry: "again", delayMs: 10 } : { succeed: tries },
    });
    while ((await runState(run)) === "running") {
      await worker.finish();
      clock.advance(10);
      await store.promoteDue(10);
    }
    expect(worker.calls).toHaveLength(22);
    expect(await store.listAttempts(run, "s1")).toHaveLength(20);
  });

  test("the attempts of a step are listed oldest first, at most a hundred", async ({
    store,
    submit,
    driver,
    clock,
  }) => {
    const run = await submit(single());
    const worker = await driver(single());
    for (let n = 0; n < 103; n++) {
      await worker.retry((await worker.take())[0] as Grant, 1);
      clock.advance(1);
      await store.promoteDue(1);
    }
    const attempts = await store.listAttempts(run, "a");
    expect(attempts).toHaveLength(100);
    const fences = attempts.map(({ fence }) => fence);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
  });
}
