import { expect } from "vitest";
import { busyEnds, makeBusy } from "../busy-store.js";
import { checkAll } from "../check-all.js";
import { diamond, inlined, mapped, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

/** That a store breaks none of its own rules is looked at after every test of the contract; these are about looking itself. */
export function inspecting(test: BenchTest): void {
  test("an empty store checks clean", async ({ store }) => {
    expect(await checkAll(store)).toEqual([]);
  });

  test("a store in which something stands in every place checks clean, and so it does at its end", async ({
    store,
    clock,
  }) => {
    const busy = await makeBusy(store, clock);
    expect(await checkAll(store)).toEqual([]);
    expect(await busy.finish()).toEqual(busyEnds);
    expect(await checkAll(store)).toEqual([]);
  });

  test("a repair of a store that is whole changes nothing", async ({ store, clock }) => {
    const busy = await makeBusy(store, clock);
    const look = async () => {
      const runs = [
        busy.diamond,
        busy.short,
        busy.running,
        busy.waiting,
        busy.mapped,
        busy.failed,
        busy.scheduled,
        busy.cancelling,
        busy.ended,
      ];
      return Promise.all(
        runs.map(async (run) => [await store.getRun(run), await store.listSteps(run, { limit: 100 })]),
      );
    };
    const before = [await look(), await store.listQueues(), await store.listHeld(busy.session)];
    const cursor = await store.lastEvent();
    expect(await checkAll(store, { repair: true })).toEqual([]);
    expect([await look(), await store.listQueues(), await store.listHeld(busy.session)]).toEqual(before);
    expect(await store.lastEvent()).toBe(cursor);
    expect(await busy.finish()).toEqual(busyEnds);
  });

  test("a check goes page by page, each about as long as was asked for", async ({
    store,
    submit,
    driver,
  }) => {
    for (let n = 0; n < 30; n++) await submit(diamond(), n);
    await (await driver(diamond())).finish();
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await store.check({ repair: false, limit: 5, cursor });
      expect(page.problems).toEqual([]);
      expect(page.examined).toBeLessThan(60);
      pages++;
      cursor = page.next;
    } while (cursor !== undefined);
    expect(pages).toBeGreaterThan(5);
  });

  test("a check while everything goes on finds nothing wrong", async ({ store, submit, driver }) => {
    const workers = await Promise.all([1, 2].map(() => driver([diamond(), mapped(), inlined()])));
    const checking = async () => {
      for (let n = 0; n < 5; n++) expect(await checkAll(store, { repair: n % 2 === 1 })).toEqual([]);
    };
    const submitting = async () => {
      for (let n = 0; n < 10; n++) {
        await submit(n % 2 === 0 ? mapped() : inlined(), { list: [1, 2, 3], n });
        await submit(diamond(), n);
        await Promise.all(workers.map((each) => each.finish()));
      }
    };
    // Sessions come, get mail, and go; runs end and are purged.
    const passing = async () => {
      const none = { ageMs: 0, count: 0 };
      for (let n = 0; n < 10; n++) {
        const worker = await driver(single());
        const run = await submit(single(), n, { priority: 9 });
        await worker.take();
        await store.cancel(run);
        await store.closeSession(worker.session.id);
        await store.purge({ succeeded: none, failed: none, cancelled: none }, 20);
      }
    };
    await Promise.all([submitting(), passing(), checking()]);
    expect(await checkAll(store)).toEqual([]);
  });

  test("a diagnosis says of each thing how it is and what that means", async ({ store }) => {
    const { findings } = await store.diagnose();
    expect(findings.length).toBeGreaterThan(3);
    expect(new Set(findings.map(({ name }) => name)).size).toBe(findings.length);
    for (const { level, value, sentence } of findings) {
      expect(["ok", "warn"]).toContain(level);
      expect(value).not.toBe("");
      expect(sentence.length).toBeGreaterThan(5);
    }
  });
}
