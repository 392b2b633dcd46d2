import { expect } from "vitest";
import { openingOf, registrationOf } from "../factories.js";
import { diamond, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

export function sessions(test: BenchTest): void {
  test("a session that is renewed lives on, and keeps all that it holds", async ({
    store,
    submit,
    driver,
    sweep,
  }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.take();
    for (let n = 0; n < 10; n++) {
      await sweep();
      expect(await store.renew(worker.session.id)).toMatchObject({ status: "alive", held: 1 });
    }
    expect(await store.listHeld(worker.session.id)).toHaveLength(1);
  });

  test("a session is lost when two sweeps found it expired, not one", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.take();
    const sweep = (sweepMs: number) => store.reapSessions({ sweepMs, limit: 100 });
    await sweep(5_000);
    clock.advance(9_000);
    await sweep(5_000);
    clock.advance(6_000);
    expect((await sweep(5_000)).sessions).toEqual([]);
    expect(await store.listHeld(worker.session.id)).toHaveLength(1);
    clock.advance(1_000);
    expect((await sweep(5_000)).sessions).toEqual([]);
    clock.advance(4_000);
    await sweep(5_000);
    expect(await store.listHeld(worker.session.id)).toHaveLength(0);
    expect(await store.renew(worker.session.id)).toMatchObject({ status: "lost" });
  });

  test("a session that was renewed between two sweeps is not lost", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.take();
    const sweep = () => store.reapSessions({ sweepMs: 5_000, limit: 100 });
    for (const ms of [0, 9_000, 6_000]) {
      clock.advance(ms);
      await sweep();
    }
    expect(await store.renew(worker.session.id)).toMatchObject({ status: "alive" });
    clock.advance(5_000);
    expect((await sweep()).sessions).not.toContain(worker.session.id);
    expect(await store.listHeld(worker.session.id)).toHaveLength(1);
  });

  test("after an outage longer than two sweeps all leases are extended once", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.take();
    const sweep = () => store.reapSessions({ sweepMs: 5_000, limit: 100 });
    await sweep();
    clock.advance(3_600_000);
    for (const ms of [0, 5_000, 5_000]) {
      clock.advance(ms);
      expect((await sweep()).sessions).toEqual([]);
    }
    expect(await store.renew(worker.session.id)).toMatchObject({ status: "alive", held: 1 });
    clock.advance(5_000);
    await sweep();
    expect(await store.listHeld(worker.session.id)).toHaveLength(1);
  });

  test("a lost session is granted nothing, and is told so", async ({ store, submit, driver, expire }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.exchange([]);
    await expire(worker.session.id);
    expect(await worker.exchange([], { slots: 5 })).toMatchObject({ alive: false, grants: [] });
    expect(await store.renew(worker.session.id)).toMatchObject({ status: "lost", held: 0 });
    expect(await store.renew("unknown")).toMatchObject({ status: "lost" });
  });

  test("closing a session gives everything back without costing a try", async ({ store, submit, driver }) => {
    const run = await submit(diamond());
    const worker = await driver(diamond());
    await worker.take();
    await store.closeSession(worker.session.id);
    await store.closeSession(worker.session.id);
    expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", tries: 0, lost: 0 });
    expect((await store.listWorkers()).map(({ session }) => session)).not.toContain(worker.session.id);
    expect(await worker.exchange([], { slots: 5 })).toMatchObject({ alive: false, grants: [] });
  });

  test("a session without end is not reaped", async ({ store, clock, driver, sweep }) => {
    const worker = await driver(single(), { leaseMs: Number.POSITIVE_INFINITY });
    for (let n = 0; n < 5; n++) {
      clock.advance(5_000);
      await sweep();
    }
    expect(await store.renew(worker.session.id)).toMatchObject({ status: "alive" });
  });

  test("the workers are listed, with what they serve and hold", async ({ store, clock, submit, driver }) => {
    await submit(single());
    const worker = await driver(single(), { worker: "w1", host: "h", pid: 42, birth: "77" });
    await worker.take();
    const found = (await store.listWorkers()).find(({ session }) => session === worker.session.id);
    expect(found).toEqual({
      ...{
        session: worker.session.id,
        worker: "w1",
        host: "h",
        pid: 42,
        birth: "77",
        queues: ["default"],
        serves: ["a"],
      },
      ...{
        openedAtMs: worker.session.openedAtMs,
        expiresAtMs: clock.now() + 10_000,
        leaseMs: 10_000,
        held: 1,
      },
    });
  });

  test("the sessions of a host and of some names are listed without all others", async (bench) => {
    const { store, clock, driver } = bench;
    const long = "ü".repeat(300);
    const places = [
      ["h1", "w1"],
      ["h1", "w2"],
      ["h2", "w1"],
      ["h2", "w3"],
      [long, `${long}:1`],
      [long, `${long}:2`],
    ] as const;
    const sessions: string[] = [];
    for (const [host, worker] of places) {
      sessions.push((await driver(single(), { host, worker })).session.id);
      clock.advance(1);
    }
    // An opening that was repeated on a bad line leaves another session behind.
    const listed = async (host: string, ...workers: string[]) =>
      (await store.listWorkers({ host, workers }))
        .map(({ session }) => sessions.indexOf(session))
        .filter((n) => n >= 0);
    expect(await listed("h1")).toEqual([0, 1]);
    expect(await listed("h1", "w1")).toEqual([0, 1, 2]);
    expect(await listed("h3", "w3", "w2", "w")).toEqual([1, 3]);
    expect(await listed(long)).toEqual([4, 5]);
    expect(await listed("", `${long}:2`)).toEqual([5]);
    const [found] = await store.listWorkers({ host: "none", workers: ["w3"] });
    expect(found).toEqual((await store.listWorkers()).find(({ session }) => session === found?.session));
    await store.closeSession(sessions[0] as string);
    await bench.expire(sessions[2] as string, sessions.slice(3));
    expect(await listed("h1", "w1", "w3")).toEqual([3]);
  });

  test("registrations outlive their session, the newest of a name counts", async ({ store, driver }) => {
    const [old, other] = [registrationOf(single()), registrationOf(diamond())];
    const first = await driver(single(), { registers: [old, other] });
    await store.closeSession(first.session.id);
    expect(await store.findRegistration("single")).toMatchObject(old);
    const fresh = registrationOf(single({ queue: "q" }));
    await store.openSession(openingOf({ registers: [fresh] }));
    expect(await store.findRegistration("single")).toMatchObject(fresh);
    expect(await store.findRegistration("nothing")).toBeUndefined();
    const all = (await store.listRegistrations()).map(({ name, kind, plan }) => ({ name, kind, plan }));
    expect(all).toHaveLength(2);
    expect(all).toContainEqual({ name: "diamond", kind: "dag", plan: other.plan });
    expect(await store.getPlan(fresh.plan)).toBe(fresh.planText);
  });
}
