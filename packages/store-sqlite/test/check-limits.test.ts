import { openSqliteStore } from "@jobbers/store-sqlite";
import { checkAll, createFakeClock, newRunId, openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, it } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
let files = 0;

const name = "a/concurrency";

/** What is broken, and the kinds that are found. */
const cases: readonly (readonly [what: string, sql: string, kinds: readonly string[]])[] = [
  ["a slot that was lost", "DELETE FROM slots", ["slot-missing", "line-parked"]],
  ["a slot that is nobody's", "UPDATE slots SET address = 'gone'", ["slot-stale", "slot-missing"]],
  [
    "a priority that is ahead where none can be",
    "INSERT INTO levels (queue, ahead) VALUES ('default', '[0,0,0,0,0,99999]')",
    ["level-stale"],
  ],
  [
    "a parked line that nothing would wake",
    "UPDATE limits SET code = '{\"concurrency\":9}'",
    ["line-parked"],
  ],
];

describe("a check of limits", () => {
  it.each(cases)("finds and mends %s", async (_, sql, kinds) => {
    const path = `${directory}/limits-${++files}.db`;
    const clock = createFakeClock();
    const store = await openSqliteStore(`sqlite:${path}`, { clock: clock.now });
    const raw = new DatabaseSync(path);
    try {
      const declared = [{ name, setting: { concurrency: 1 }, isKeyed: true }];
      const worker = await openDriver(store, {
        serves: ["a"],
        leaseMs: 1e12,
        limits: [{ task: "a", limits: declared }],
      });
      const limits = [{ limit: name, key: "x", cost: 1 }];
      const runs = [1, 2].map((n) => submissionOf(samplePlans.single(), n, { id: newRunId(), limits }));
      await store.submit(runs);
      const [grant] = await worker.take(2);
      expect(await checkAll(store)).toEqual([]);
      raw.exec(sql);
      expect((await checkAll(store)).map(({ kind }) => kind)).toEqual(kinds);
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      expect(await checkAll(store)).toEqual([]);
      if (grant) await worker.succeed(grant);
      clock.advance(1_000);
      await store.promoteDue(10);
      await worker.finish();
      for (const { id } of runs) expect((await store.getRun(id))?.state).toBe("succeeded");
      expect(await store.readLimit(name, "x")).toMatchObject({ used: 0, parked: 0 });
    } finally {
      raw.close();
      await store.close();
    }
  });
});
