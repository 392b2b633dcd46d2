import { type Grant, type Sweep, supersededOf } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const LEASE_MS = 10_000;

/**
 * Which of these sessions a look finds to have missed a renewal since another of their name came up. An opening that was repeated on a
 * bad line leaves a session behind that nobody renews: it is found as well, and of no interest.
 */
async function unheard({ store }: Bench, ...drivers: Driver[]): Promise<NonNullable<Sweep["unheard"]>> {
  const nowMs = await store.readTime();
  const own = new Set(drivers.map(({ session }) => session.id));
  const found = supersededOf(await store.listWorkers()).filter(({ lostAtMs }) => lostAtMs <= nowMs);
  return found.filter(({ session }) => own.has(session));
}

function takeOver({ store, sweepMs }: Bench, found: NonNullable<Sweep["unheard"]>) {
  return store.reapSessions({ sweepMs, limit: 100, unheard: found });
}

export function returning(test: BenchTest): void {
  test("a worker that comes back under its name has its steps after one missed renewal", async (bench) => {
    const { store, clock, submit, driver } = bench;
    const run = await submit(single());
    const old = await driver(single(), { worker: "w", host: "there", leaseMs: LEASE_MS });
    const [lost] = (await old.take()) as [Grant];
    clock.advance(2_000);
    const next = await driver(single(), { worker: "w", host: "here", leaseMs: LEASE_MS });
    clock.advance(LEASE_MS / 2 - 2_001);
    expect(await unheard(bench, old, next)).toEqual([]);
    clock.advance(1);
    const found = await unheard(bench, old, next);
    expect(found).toMatchObject([{ session: old.session.id }]);
    await takeOver(bench, found);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", lost: 1, tries: 0 });
    const [again] = (await next.take()) as [Grant];
    // Should the old one only have been frozen: it is told so, and what it did counts for nothing.
    expect(await store.renew(old.session.id)).toMatchObject({ status: "lost" });
    expect(await old.succeed(lost, "late")).toBe("stale");
    expect(await next.succeed(again, "once")).toBe("accepted");
    expect(await bench.value(run, "a")).toBe("once");
  });

  test("two workers that live may share a name", async (bench) => {
    const { store, clock, submit, driver } = bench;
    await submit(single(), 1);
    await submit(single(), 2);
    const pair = [await driver(single(), { worker: "w" }), await driver(single(), { worker: "w" })];
    for (const each of pair) await each.take(1);
    for (let n = 0; n < 12; n++) {
      clock.advance(LEASE_MS / 3);
      for (const each of pair) await store.renew(each.session.id);
      await takeOver(bench, await unheard(bench, ...pair));
    }
    for (const each of pair)
      expect(await store.renew(each.session.id)).toMatchObject({ status: "alive", held: 1 });
  });

  test("a worker that is silent keeps its lease's time while none came back under its name", async (bench) => {
    const { store, clock, submit, driver } = bench;
    await submit(single());
    const first = await driver(single(), { worker: "w" });
    clock.advance(1_000);
    // Another one of its name that had come up before is no return.
    await driver(single(), { worker: "v" });
    const silent = await driver(single(), { worker: "w" });
    await silent.take();
    clock.advance(1_000);
    for (const each of [first, silent]) await store.renew(each.session.id);
    clock.advance(LEASE_MS - 1);
    await store.renew(first.session.id);
    expect(await unheard(bench, first, silent)).toEqual([]);
    expect(await store.listHeld(silent.session.id)).toHaveLength(1);
  });

  test("a worker that was renewed after the look keeps what it holds", async (bench) => {
    const { store, clock, submit, driver } = bench;
    await submit(single());
    const old = await driver(single(), { worker: "w" });
    await old.take();
    clock.advance(LEASE_MS / 2);
    await driver(single(), { worker: "w" });
    const found = await unheard(bench, old);
    expect(found).toHaveLength(1);
    clock.advance(1);
    await store.renew(old.session.id);
    expect((await takeOver(bench, found)).sessions).toEqual([]);
    expect(await store.renew(old.session.id)).toMatchObject({ status: "alive", held: 1 });
  });

  test("sessions that never expire are nobody's past", async (bench) => {
    const { clock, driver } = bench;
    const old = await driver(single(), { worker: "w", leaseMs: Number.POSITIVE_INFINITY });
    clock.advance(60_000);
    await driver(single(), { worker: "w", leaseMs: Number.POSITIVE_INFINITY });
    expect(await unheard(bench, old)).toEqual([]);
  });
}
