import type { Grant, Retention } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { manyEntries, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";
import { alone, claim, finish, HOUR_MS, holder, late, once } from "./key-claims.js";

const forever = { ageMs: 1e12, count: 1_000_000 };
const keepAll: Retention = { succeeded: forever, failed: forever, cancelled: forever };

async function purgeAll({ store }: Bench) {
  for (let n = 0; n < 100; n++) if (!(await store.purge(keepAll, 500)).more) return;
  throw new Error("the purge never ends");
}

/** What ends a key, what it outlives, and what a retry by hand does to it. */
export function keysEnds(test: BenchTest): void {
  test("a key that is held until the end is free once the run has ended", async (bench) => {
    const first = await holder(bench, 1, alone("k"));
    expect((await claim(bench, 2, alone("k"))).result).toMatchObject({ status: "existing", id: first });
    await finish(bench, () => FAIL);
    expect(await bench.runState(first)).toBe("failed");
    const second = await holder(bench, 3, alone("k"));
    await bench.store.cancel(second);
    const third = await holder(bench, 4, alone("k"));
    // One that is being cancelled has not ended.
    const worker = await bench.driver(single());
    const [grant] = await worker.take();
    await bench.store.cancel(third);
    expect((await claim(bench, 5, alone("k"))).result).toMatchObject({ status: "existing", id: third });
    await worker.succeed(grant as Grant);
    await holder(bench, 6, alone("k"));
  });

  test("a key outlives all that is kept of its run", async (bench) => {
    const first = await holder(bench, 1, once("k", { holdMs: 100 * HOUR_MS }), { keepMs: 0 });
    await finish(bench, () => FAIL);
    await purgeAll(bench);
    expect(await bench.store.getRun(first)).toMatchObject({ purged: true, key: { key: "k" } });
    bench.clock.advance(25 * HOUR_MS);
    await purgeAll(bench);
    expect(await bench.store.getRun(first)).toBeUndefined();
    const again = await claim(bench, 1, once("k", { holdMs: 100 * HOUR_MS }));
    expect(again.result).toEqual({ status: "existing", id: first, state: "failed" });
    expect((await claim(bench, 2, once("k"))).result).toMatchObject({
      status: "key-conflict",
      holder: first,
    });
    bench.clock.advance(75 * HOUR_MS);
    await purgeAll(bench);
    await holder(bench, 3, once("k"));
  });

  test("a key that is held until the end goes with its run", async (bench) => {
    const gone = await holder(bench, 1, alone("k"), { keepMs: 0 });
    const replaced = await holder(bench, 2, late("k"), { keepMs: 0, delayMs: 1_000 });
    const by = await holder(bench, 3, late("k"), { keepMs: 0, delayMs: 1_000 });
    bench.clock.advance(1_000);
    await bench.store.promoteDue(10);
    expect(await finish(bench)).toBe(2);
    await purgeAll(bench);
    expect(await bench.store.getRun(replaced)).toMatchObject({ purged: true, replacedBy: by });
    bench.clock.advance(25 * HOUR_MS);
    await purgeAll(bench);
    // That nothing is left of them, the check behind each test finds out.
    for (const id of [gone, replaced, by]) expect(await bench.store.getRun(id)).toBeUndefined();
    await holder(bench, 4, alone("k"));
  });

  test("a run that is retried by hand has its key again", async (bench) => {
    const { store } = bench;
    const first = await holder(bench, 1, alone("k"));
    await finish(bench, () => FAIL);
    expect(["retried", "running"]).toContain((await store.retry(first)).status);
    expect((await claim(bench, 2, alone("k"))).result).toMatchObject({ status: "existing", id: first });
    await finish(bench);
    const second = await holder(bench, 3, alone("k"));
    await store.cancel(second);
    await holder(bench, 4, alone("k"));
    await finish(bench, () => FAIL);
    // The key was another's meanwhile.
    expect(["retried", "running"]).toContain((await store.retry(second)).status);
    expect((await claim(bench, 5, alone("k"))).result).toMatchObject({ status: "existing", id: second });
  });

  test("a run whose key another run holds does not go on", async (bench) => {
    const { store } = bench;
    const first = await holder(bench, 1, alone("k"));
    await store.cancel(first);
    const second = await holder(bench, 2, alone("k"));
    expect(await store.retry(first)).toEqual({ status: "key-taken", holder: second });
    expect(await bench.runState(first)).toBe("cancelled");
    const waiting = await holder(bench, 3, once("k"));
    bench.clock.advance(HOUR_MS);
    const by = await holder(bench, 4, once("k", { ifHeld: "replace" }));
    expect(await store.retry(waiting)).toEqual({ status: "key-taken", holder: by });
    await finish(bench);
    // Its own time is over, though the other's is not.
    bench.clock.advance(23 * HOUR_MS);
    expect(["retried", "running"]).toContain((await store.retry(waiting)).status);
    expect((await store.getRun(waiting))?.replacedBy).toBeUndefined();
    expect(["retried", "running"]).toContain((await store.retry(first)).status);
    expect(await finish(bench)).toBe(2);
  });

  test("a run whose retry takes several transitions has its key from the first on", async (bench) => {
    const { store } = bench;
    const plan = manyEntries(1_200);
    const wide = submissionOf(plan, 1, { claim: alone("k") });
    await store.submit([wide]);
    await store.cancel(wide.id);
    const other = submissionOf(plan, 2, { claim: alone("k") });
    const [retried, [result]] = await Promise.all([store.retry(wide.id), store.submit([other])]);
    // Whichever came first has it, and the other has not.
    const states = [await bench.runState(wide.id), await bench.runState(other.id)];
    expect(states.filter((state) => state === "running")).toHaveLength(1);
    if (retried.status === "key-taken") expect(result).toMatchObject({ id: other.id });
    else expect(result).toMatchObject({ status: "existing", id: wide.id });
  });
}
