import type { Grant } from "@jobbers/core";
import { expect } from "vitest";
import { chain, diamond, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

const byAddress = (grants: readonly Grant[]) => grants.map(({ lease }) => lease);

export function lanes(test: BenchTest): void {
  test("the same number answers the same steps again, and takes nothing twice", async ({
    store,
    submit,
    driver,
  }) => {
    for (let n = 0; n < 4; n++) await submit(single(), n);
    const worker = await driver(single());
    const first = await worker.exchange([], { slots: 2 });
    const again = await worker.replay();
    expect(again.grants).toEqual(first.grants);
    expect(first.grants).toHaveLength(2);
    expect(await store.listHeld(worker.session.id)).toHaveLength(2);
  });

  test("the same number applies no report twice", async ({ store, submit, driver, runState }) => {
    const run = await submit(diamond());
    const worker = await driver(diamond());
    const [a] = (await worker.take()) as [Grant];
    const report = await worker.success(a);
    const first = await worker.exchange([report], { slots: 1 });
    const again = await worker.replay();
    expect(again.results).toEqual(["accepted"]);
    expect(byAddress(again.grants)).toEqual(byAddress(first.grants));
    const [b] = first.grants as [Grant];
    const second = await worker.exchange([await worker.success(b)], { slots: 5 });
    await worker.replay();
    await worker.replay();
    const [c, ...more] = second.grants as [Grant];
    expect([c.lease.address, more]).toEqual(["c", []]);
    expect((await store.getStep(run, "d"))?.state).toBe("blocked");
    await worker.succeed(c);
    const [d] = (await worker.take()) as [Grant];
    expect(d.lease.address).toBe("d");
    await worker.succeed(d);
    expect(await runState(run)).toBe("succeeded");
  });

  test("the same number counts a retry once", async ({ store, submit, driver }) => {
    const run = await submit(single());
    const worker = await driver(single());
    await worker.retry((await worker.take())[0] as Grant, 1_000);
    await worker.replay();
    expect(await store.getStep(run, "a")).toMatchObject({ state: "waiting", tries: 1 });
    expect(await store.listAttempts(run, "a")).toHaveLength(1);
  });

  test("the next number confirms: it takes other steps", async ({ submit, driver }) => {
    for (let n = 0; n < 4; n++) await submit(single(), n);
    const worker = await driver(single());
    const first = await worker.exchange([], { slots: 2 });
    const second = await worker.exchange([], { slots: 2 });
    const runs = [...first.grants, ...second.grants].map(({ lease }) => lease.run);
    expect(new Set(runs).size).toBe(4);
  });

  test("a number older than the last is refused", async ({ store, submit, driver }) => {
    await submit(single());
    const worker = await driver(single());
    await worker.exchange([]);
    await worker.exchange([]);
    const wants = { slots: 1, control: 0, queues: ["default"], inline: false };
    const old = store.exchange({ session: worker.session.id, lane: 0, seq: 1, reports: [], wants });
    await expect(old).rejects.toMatchObject({ code: "session-lost" });
    expect(await store.listHeld(worker.session.id)).toEqual([]);
  });

  test("lanes of one session count by themselves", async ({ store, submit, driver }) => {
    for (let n = 0; n < 2; n++) await submit(single(), n);
    const worker = await driver(single());
    const wants = { slots: 1, control: 0, queues: ["default"], inline: false };
    const one = { session: worker.session.id, lane: 1, seq: 1, reports: [], wants };
    const first = await store.exchange(one);
    const other = await store.exchange({ ...one, lane: 2 });
    expect(first.grants[0]?.lease.run).not.toBe(other.grants[0]?.lease.run);
    expect((await store.exchange(one)).grants).toEqual(first.grants);
    expect((await store.exchange({ ...one, lane: 2 })).grants).toEqual(other.grants);
  });

  test("a lost reply loses nothing: what was granted is granted again, and is held", async ({
    store,
    submit,
    driver,
  }) => {
    await submit(chain(2));
    const worker = await driver(chain(2));
    await worker.exchange([], { slots: 1 });
    const held = await store.listHeld(worker.session.id);
    const { grants } = await worker.replay();
    expect(byAddress(grants)).toEqual(held);
  });
}
