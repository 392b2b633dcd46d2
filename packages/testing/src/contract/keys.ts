import type { Grant, Submission } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { chain, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { alone, claim, finish, HOUR_MS, holder, late, once } from "./key-claims.js";

/** Who meets the holder of a key, and what becomes of them. */
export function keys(test: BenchTest): void {
  test("a key that is held for a time answers its run, while it goes on and after its end", async (bench) => {
    const first = await holder(bench, 1, once("k"));
    expect((await claim(bench, 1, once("k"))).result).toEqual({
      ...{ status: "existing", id: first, state: "running" },
    });
    expect(await finish(bench)).toBe(1);
    bench.clock.advance(24 * HOUR_MS - 1);
    const late = await claim(bench, 1, once("k"));
    expect(late.result).toEqual({ status: "existing", id: first, state: "succeeded" });
    expect(await bench.store.getRun(late.id)).toBeUndefined();
    bench.clock.advance(1);
    const next = await holder(bench, 1, once("k"));
    expect(next).not.toBe(first);
  });

  test("a run shows its key, and until when it holds that", async (bench) => {
    const id = await holder(bench, 1, once("Bestellung 17/ä:%,|"));
    expect(await bench.store.getRun(id)).toMatchObject({
      key: { scope: "idempotency", key: "Bestellung 17/ä:%,|", untilMs: bench.clock.now() + 24 * HOUR_MS },
    });
    const long = await holder(bench, 1, alone("ü,%|".repeat(128)));
    const record = await bench.store.getRun(long);
    expect(record?.key).toEqual({ scope: "singleton", key: "ü,%|".repeat(128) });
    expect(record?.replacedBy).toBeUndefined();
    const plain = await bench.store.getRun(await bench.submit(single(), 1));
    expect(plain?.key).toBeUndefined();
    const { runs } = await bench.store.listRuns({ limit: 10 });
    expect(runs.find((run) => run.id === id)?.key?.key).toBe("Bestellung 17/ä:%,|");
  });

  test("other content under the same key is a conflict that names the holder", async (bench) => {
    const first = await holder(bench, 1, once("k"));
    const { id, result } = await claim(bench, 2, once("k"));
    expect(result).toEqual({ status: "key-conflict", id, holder: first });
    expect(await bench.store.getRun(id)).toBeUndefined();
  });

  test("a submission that refuses holders is refused, and names the holder", async (bench) => {
    const first = await holder(bench, 1, once("k"));
    const { id, result } = await claim(bench, 1, once("k", { ifHeld: "reject" }));
    expect(result).toEqual({ status: "key-taken", id, holder: first });
    expect(await bench.store.getRun(id)).toBeUndefined();
  });

  test("keys of other scopes, other workflows and other texts do not meet", async (bench) => {
    await holder(bench, 1, once("k"));
    await holder(bench, 2, alone("k"));
    await holder(bench, 3, once("K"));
    await holder(bench, 4, once("k:"));
    await holder(bench, 5, once(""));
    await holder(bench, 6, once("k", { scope: "throttle" }));
    await holder(bench, 7, once(`${"x".repeat(300)}1`));
    await holder(bench, 8, once(`${"x".repeat(300)}2`));
    const other = submissionOf(chain(2), 9, { claim: once("k") });
    expect((await bench.store.submit([other]))[0]).toMatchObject({ id: other.id });
  });

  test("a submission that is sent again answers its own run, whoever holds the key by now", async (bench) => {
    const first = submissionOf(single(), 1, { claim: once("k") });
    await bench.store.submit([first]);
    await finish(bench);
    bench.clock.advance(25 * HOUR_MS);
    await holder(bench, 2, once("k"));
    expect(await bench.store.submit([first])).toEqual([
      { status: "existing", id: first.id, state: "succeeded" },
    ]);
    const other = { ...first, fingerprint: "other" };
    expect(await bench.store.submit([other])).toEqual([{ status: "conflict", id: first.id }]);
  });

  test("of two items of a batch with one key the second meets the first", async (bench) => {
    const batch = [
      submissionOf(single(), 1, { claim: once("k") }),
      submissionOf(single(), 2),
      submissionOf(single(), 1, { claim: once("k") }),
      submissionOf(single(), 3, { claim: once("k") }),
      submissionOf(single(), 4, { claim: alone("k", { ifHeld: "reject" }) }),
      submissionOf(single(), 5, { claim: alone("k", { ifHeld: "reject" }) }),
      submissionOf(single(), 6, { claim: late("k"), delayMs: 1_000 }),
      submissionOf(single(), 7, { claim: late("k"), delayMs: 1_000 }),
    ];
    const [a, , b, , c, , d, e] = batch.map(({ id }) => id) as [string, ...string[]];
    const results = await bench.store.submit(batch);
    expect(results[2]).toEqual({ status: "existing", id: a, state: "running" });
    expect(results[3]).toMatchObject({ status: "key-conflict", holder: a });
    expect(results[5]).toMatchObject({ status: "key-taken", holder: c });
    expect(await bench.store.getRun(b as string)).toBeUndefined();
    expect(await bench.store.getRun(d as string)).toMatchObject({ state: "cancelled", replacedBy: e });
    expect(await bench.store.getRun(e as string)).toMatchObject({ state: "scheduled" });
    expect(await finish(bench)).toBe(3);
  });

  test("a batch that is sent again answers the same runs, though its items meet each other", async (bench) => {
    const first = await holder(bench, 0, once("k"));
    const batch = [
      submissionOf(single(), 1, { claim: once("k") }),
      submissionOf(single(), 2, { claim: once("k", { ifHeld: "replace" }) }),
      submissionOf(single(), 3, { claim: once("k", { ifHeld: "replace" }) }),
    ];
    batch.push(batch[1] as Submission);
    const [, b, c] = batch.map(({ id }) => id);
    const replaced = { status: "existing", id: b, state: "cancelled" };
    expect((await bench.store.submit(batch))[3]).toEqual(replaced);
    const again = await bench.store.submit(batch);
    expect(again[0]).toMatchObject({ status: "key-conflict", holder: c });
    expect(again[1]).toEqual(replaced);
    expect(again[2]).toEqual({ status: "existing", id: c, state: "running" });
    expect(await bench.store.getRun(first)).toMatchObject({ replacedBy: b });
    expect(await bench.store.getRun(b as string)).toMatchObject({ replacedBy: c });
    expect(await finish(bench)).toBe(1);
  });

  test("a key without the plan of its run is not taken", async (bench) => {
    const bare = submissionOf(chain(3), 1, { claim: once("k"), withPlan: false });
    expect((await bench.store.submit([bare]))[0]?.status).toBe("plan-missing");
    const whole = submissionOf(chain(3), 2, { claim: once("k") });
    expect((await bench.store.submit([whole]))[0]).toMatchObject({ id: whole.id, state: "running" });
  });

  test("a run that waits is replaced in one transition, and never runs", async (bench) => {
    for (const parts of [{}, { delayMs: HOUR_MS }]) {
      const key = `k${parts.delayMs ?? 0}`;
      const replaced = await holder(bench, 1, once(key), parts);
      const { id, result } = await claim(bench, 2, once(key, { ifHeld: "replace" }));
      expect(result).toMatchObject({ id, state: "running" });
      expect(await bench.store.getRun(replaced)).toMatchObject({ state: "cancelled", replacedBy: id });
      expect((await bench.store.getRun(replaced))?.endedAtMs).toBe(bench.clock.now());
      const worker = await bench.driver(single(), { leaseMs: Number.POSITIVE_INFINITY });
      expect(await worker.finish()).toBe(1);
      bench.clock.advance(2 * HOUR_MS);
      await bench.store.promoteDue(10);
      expect(await worker.finish()).toBe(0);
      expect(await bench.runState(id)).toBe("succeeded");
      expect((await claim(bench, 2, once(key, { ifHeld: "replace" }))).result).toMatchObject({ id });
    }
  });

  test("a run of which a step was taken is not replaced but answered", async (bench) => {
    const first = await holder(bench, 1, alone("k"));
    const worker = await bench.driver(single());
    const [grant] = await worker.take();
    const taken = await claim(bench, 2, alone("k", { ifHeld: "replace" }));
    expect(taken.result).toEqual({ status: "existing", id: first, state: "running" });
    await bench.store.release(worker.session.id, [(grant as Grant).lease]);
    const back = await claim(bench, 2, alone("k", { ifHeld: "replace" }));
    expect(back.result).toEqual({ status: "existing", id: first, state: "running" });
  });

  test("the last of several submissions wins, and each puts the start off, up to a limit", async (bench) => {
    const { store, clock } = bench;
    const wait = { delayMs: 5_000 };
    const claimed = late("k", { maxMs: 8_000 });
    const a = await holder(bench, 1, claimed, wait);
    clock.advance(4_000);
    const b = await holder(bench, 2, claimed, wait);
    clock.advance(3_900);
    await store.promoteDue(10);
    expect(await bench.runState(b)).toBe("scheduled");
    const c = await holder(bench, 3, claimed, wait);
    expect(await store.getRun(a)).toMatchObject({ state: "cancelled", replacedBy: b });
    expect(await store.getRun(b)).toMatchObject({ state: "cancelled", replacedBy: c });
    clock.advance(99);
    await store.promoteDue(10);
    expect(await bench.runState(c)).toBe("scheduled");
    clock.advance(1);
    await store.promoteDue(10);
    expect(await bench.runState(c)).toBe("running");
    // It has begun, so the next one begins a time of its own.
    const d = await holder(bench, 4, claimed, wait);
    expect(await bench.runState(c)).toBe("running");
    expect(await finish(bench)).toBe(1);
    clock.advance(9_000);
    // Nobody promoted: still the last one wins, and starts at once.
    const e = await holder(bench, 5, claimed, wait);
    expect(await store.getRun(d)).toMatchObject({ state: "cancelled", replacedBy: e });
    expect(await bench.runState(e)).toBe("running");
  });

  test("the first in a period wins, whatever the others say", async (bench) => {
    const per = once("k", { scope: "throttle", holdMs: 1_000, ifHeld: "existing" });
    const first = await holder(bench, 1, per);
    await finish(bench);
    bench.clock.advance(999);
    expect((await claim(bench, 2, per)).result).toEqual({
      ...{ status: "existing", id: first, state: "succeeded" },
    });
    bench.clock.advance(1);
    await holder(bench, 3, per);
  });
}
