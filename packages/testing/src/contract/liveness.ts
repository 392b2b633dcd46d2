import { DURATIONS_KEPT, durationBucket, livenessOf, type TaskDurations } from "@jobbers/core";
import { expect } from "vitest";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

const none = { beats: [], durations: [] };

export function liveness(test: BenchTest): void {
  test("the workers are listed with how they are", async ({ store, clock, driver }) => {
    const worker = await driver(single());
    const listed = async () =>
      (await store.listWorkers()).find(({ session }) => session === worker.session.id);
    expect(await listed()).not.toHaveProperty("lagMs");
    await store.renew(worker.session.id);
    expect(await listed()).not.toHaveProperty("slots");
    const heardAtMs = clock.now();
    await store.renew(worker.session.id, {
      lagMs: 1.4,
      bulletin: { seq: 1, slots: 10, running: 12, waiting: 7, ...none },
    });
    expect(await listed()).toMatchObject({
      lagMs: 1,
      heardAtMs,
      slots: 10,
      running: 12,
      waiting: 7,
      free: 0,
    });
    // A main loop that answers nothing leaves what it said last.
    clock.advance(5_000);
    await store.renew(worker.session.id, { lagMs: 4_000 });
    expect(await listed()).toMatchObject({ lagMs: 4_000, heardAtMs, slots: 10 });
    await store.renew(worker.session.id, {
      lagMs: 0,
      bulletin: { seq: 2, slots: 10, running: 3, ...none },
    });
    expect(await listed()).toMatchObject({ lagMs: 0, heardAtMs: heardAtMs + 5_000, running: 3, free: 7 });
  });

  test("how a running step is follows from what the store tells", async (bench) => {
    const { store, clock, submit, driver, expire } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const look = async (heartbeatMs?: number) => {
      const step = await store.getStep(run, "a");
      const listed = (await store.listWorkers()).find(({ session }) => session === step?.session);
      const usual = (await store.readDurations(["a"])).a;
      return step && livenessOf({ step, worker: listed, usual, heartbeatMs }, await store.readTime());
    };
    expect(await look()).toBeUndefined();
    const [grant] = await worker.take();
    expect(await look()).toBe("running");
    let seq = 0;
    const renew = (lagMs: number, durations = none.durations as TaskDurations[]) =>
      store.renew(worker.session.id, {
        lagMs,
        bulletin: { seq: ++seq, slots: 1, running: 1, beats: [], durations },
      });
    await renew(0, [{ task: "a", counts: { [durationBucket(1_000)]: 30 } }]);
    clock.advance(900);
    expect(await look()).toBe("running");
    clock.advance(1_000);
    expect(await look()).toBe("slow");
    await renew(0);
    expect(await look(1_000)).toBe("frozen");
    const beat = { lease: grant?.lease as NonNullable<typeof grant>["lease"], agoMs: 0, forMs: 0, rest: "" };
    await store.renew(worker.session.id, {
      lagMs: 0,
      bulletin: { seq: ++seq, slots: 1, running: 1, beats: [beat], durations: [] },
    });
    expect(await look(1_000)).toBe("slow");
    await renew(3_000);
    expect(await look(1_000)).toBe("blocked-loop");
    clock.advance(11_000);
    expect(await look()).toBe("lost");
    await expire(worker.session.id);
    expect(await look()).toBeUndefined();
  });

  test("durations of many workers add up, and older ones fade", async ({ store, driver }) => {
    expect(await store.readDurations(["a", "b"])).toEqual({});
    const workers = [await driver(single()), await driver(single())];
    const seqs = new Map<string, number>();
    const tell = async (worker: number, counts: Record<number, number>, task = "a") => {
      const id = (workers[worker] as (typeof workers)[0]).session.id;
      seqs.set(id, (seqs.get(id) ?? 0) + 1);
      const bulletin = { seq: seqs.get(id) as number, slots: 1, running: 0, beats: [] };
      await store.renew(id, { lagMs: 0, bulletin: { ...bulletin, durations: [{ task, counts }] } });
    };
    const [quick, long] = [durationBucket(10), durationBucket(60_000)];
    await Promise.all([tell(0, { [quick]: 50 }), tell(1, { [quick]: 50, [long]: 10 })]);
    await tell(1, { [quick]: 1 }, "with space, and | more");
    const found = await store.readDurations(["a", "with space, and | more", "none"]);
    expect(Object.keys(found)).toEqual(["a", "with space, and | more"]);
    expect(found.a?.count).toBe(110);
    expect(found.a?.p50Ms).toBeGreaterThan(7);
    expect(found.a?.p50Ms).toBeLessThan(12);
    expect(found.a?.p95Ms).toBeGreaterThan(40_000);
    for (let round = 0; round < 5; round++) await tell(round % 2, { [quick]: 4_000 });
    const later = (await store.readDurations(["a"])).a;
    expect(later?.count).toBeLessThanOrEqual(DURATIONS_KEPT);
    expect(later?.p95Ms).toBeLessThan(12);
  });

  test("the store tells its time, which never goes back", async ({ store, clock, driver }) => {
    const nowMs = clock.now();
    expect(await store.readTime()).toBe(nowMs);
    clock.advance(1_234);
    await driver(single());
    expect(await store.readTime()).toBe(nowMs + 1_234);
  });
}
