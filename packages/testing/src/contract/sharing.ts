import { type Grant, indexPlan, rerunOf } from "@jobbers/core";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { openDriver } from "../driver.js";
import { needsOf, submissionOf } from "../factories.js";
import { diamond, mapped, single } from "../sample-plans.js";
import { turns } from "../signals.js";
import type { Bench, BenchTest } from "./bench.js";

/** For stores that outlive their connection: several on the same data, and one after the other. */
export function sharing(test: BenchTest): void {
  test("two connections work on one run, and each step is run once", async (bench) => {
    const second = await another(bench);
    const run = await bench.submit(mapped(), { list: Array.from({ length: 40 }, (_, i) => i) });
    const one = await bench.driver(mapped(), { slots: 2 });
    const two = await openDriver(second, { serves: needsOf(mapped()), slots: 2 });
    while ((await bench.runState(run)) === "running") await Promise.all([one.finish(), two.finish()]);
    const calls = [...one.calls, ...two.calls];
    expect(calls).toHaveLength(41);
    expect(new Set(calls).size).toBe(41);
    expect((await second.getRun(run))?.state).toBe("succeeded");
  });

  test("what one connection writes, another reads at once", async (bench) => {
    const second = await another(bench);
    const run = await bench.submit(single(), 1);
    expect(await second.getRun(run)).toEqual(await bench.store.getRun(run));
    expect(await second.submit([submissionOf(single(), 1, { id: run })])).toMatchObject([
      { status: "existing" },
    ]);
    await second.cancel(run);
    expect(await bench.runState(run)).toBe("cancelled");
  });

  test("who listens on one connection is woken by work that comes in on another", async (bench) => {
    const second = await another(bench);
    const worker = await openDriver(second, { serves: ["a"] });
    const wait = { queues: ["default"], timeoutMs: 600_000, signal: new AbortController().signal };
    const listening = second.listen(worker.session.id, wait);
    await turns(3);
    await bench.submit(single());
    await listening;
    expect(await worker.take()).toHaveLength(1);
  });

  for (const who of ["retries again", "promotes timers"]) {
    test(
      `a retry whose caller vanished is completed by who ${who}`,
      async (bench) => {
        const { plan, run, second } = await vanishInRetry(bench);
        expect(await second.getRun(run)).toMatchObject({ state: "failed" });
        expect(await checkAll(second)).toEqual([]);
        // It may vanish in either half of it: before the run goes on, and after.
        for (let n = 0; (await second.getRun(run))?.state === "failed"; n++) {
          expect(n).toBeLessThan(5);
          await second.promoteDue(1);
        }
        expect(await checkAll(second)).toEqual([]);
        if (who === "retries again") expect(await second.retry(run)).toEqual({ status: "retried" });
        else while ((await second.promoteDue(1)).nextDueMs !== undefined);
        expect(await second.retry(run)).toEqual({ status: "running" });
        const other = await openDriver(second, { serves: needsOf(plan), slots: 500 });
        expect(await other.finish()).toBe(1_101);
        expect(await second.getRun(run)).toMatchObject({ state: "succeeded" });
        expect(await checkAll(second)).toEqual([]);
      },
      { timeoutMs: 60_000 },
    );
  }

  test(
    "a run that is purged while a retry of it is under way stays purged",
    async (bench) => {
      const { plan, run, second } = await vanishInRetry(bench);
      const none = { ageMs: 0, count: 0 };
      const retention = { succeeded: none, failed: none, cancelled: none };
      expect(await second.purge(retention, 500)).toMatchObject({ more: true });
      expect(await second.getRun(run)).toMatchObject({ state: "failed", purged: true });
      for (let n = 0; n < 10; n++) await second.promoteDue(10);
      expect(await second.retry(run)).toEqual({ status: "purged" });
      const other = await openDriver(second, { serves: needsOf(plan), slots: 500 });
      expect(await other.finish()).toBe(0);
      for (let n = 0; (await second.purge(retention, 500)).more; n++) expect(n).toBeLessThan(20);
      expect(await second.getRun(run)).toMatchObject({ state: "failed", purged: true });
      expect(await checkAll(second)).toEqual([]);
    },
    { timeoutMs: 60_000 },
  );

  test(
    "a rerun whose caller vanished is completed by who promotes timers, and no purge gets in between",
    async (bench) => {
      const plan = mapped();
      const run = await bench.submit(plan, { list: Array.from({ length: 1_100 }, (_, i) => i) });
      await (await bench.driver(plan, { slots: 500 })).finish();
      const { fence = 0 } = (await bench.store.getStep(run, "item[]")) ?? {};
      const index = indexPlan(plan);
      const only = { rerun: rerunOf(index, index.step("item[]"), fence) };
      const vanished = expect(bench.store.retry(run, { only })).rejects.toMatchObject({
        code: "store-closed",
      });
      await bench.store.close();
      await vanished;
      const second = await another(bench);
      const record = await second.getRun(run);
      expect([record?.state, record?.endedAtMs]).toEqual(["running", undefined]);
      expect(await checkAll(second)).toEqual([]);
      const none = { ageMs: 0, count: 0 };
      expect(await second.purge({ succeeded: none, failed: none, cancelled: none }, 500)).toMatchObject({
        ...{ purged: 0, more: false },
      });
      while ((await second.promoteDue(1)).nextDueMs !== undefined);
      expect(await second.retry(run, { only })).toEqual({ status: "running" });
      const other = await openDriver(second, { serves: needsOf(plan), slots: 500 });
      expect(await other.finish()).toBe(1_101);
      expect(await second.getRun(run)).toMatchObject({ state: "succeeded" });
      expect(await checkAll(second)).toEqual([]);
    },
    { timeoutMs: 60_000 },
  );

  test("a store that is closed and opened again has lost nothing", async (bench) => {
    const run = await bench.submit(diamond());
    const worker = await bench.driver(diamond());
    await worker.succeed((await worker.take())[0] as Grant, { kept: true });
    const [b] = (await worker.take()) as [Grant];
    const report = await worker.success(b);
    await bench.store.close();
    const again = await another(bench);
    expect(await again.listHeld(worker.session.id)).toEqual([b.lease]);
    expect((await again.readValues(run, ["a"])).a).toBe('{"kept":true}');
    const seq = 100;
    const wants = { slots: 0, control: 0, queues: [], inline: false };
    const reply = await again.exchange({
      session: worker.session.id,
      lane: 9,
      seq,
      reports: [report],
      wants,
    });
    expect(reply.results).toEqual(["accepted"]);
    const other = await openDriver(again, { serves: needsOf(diamond()) });
    await other.finish();
    expect(other.calls).toEqual(["c", "d"]);
    expect((await again.getRun(run))?.state).toBe("succeeded");
  });
}

async function another({ reopen }: Bench) {
  if (!reopen) throw new Error("this store cannot be opened twice");
  return reopen();
}

/** A wide run of which every step has failed, and whose retry was begun by a store that is closed now: another one on the same data. */
async function vanishInRetry(bench: Bench) {
  const plan = mapped("continue");
  const run = await bench.submit(plan, { list: Array.from({ length: 1_100 }, (_, i) => i) });
  const worker = await bench.driver(plan, { slots: 500, script: () => ({ fail: "broken" }) });
  await worker.finish();
  const vanished = expect(bench.store.retry(run)).rejects.toMatchObject({ code: "store-closed" });
  await bench.store.close();
  await vanished;
  return { plan, run, second: await another(bench) };
}
