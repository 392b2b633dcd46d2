import { openSqliteStore } from "@jobbers/store-sqlite";
import { checkAll, createFakeClock, openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, it } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
let files = 0;

const role = "crew";

/** Sets something in the newest of two edits, of which it limits the role to 2 and the first one to 3. */
const inNewest = (path: string, value: string) =>
  `UPDATE roles SET versions = json_set(versions, '$[0].${path}', json('${value}'))`;

/** What is broken, how, what is found, and how many steps the role may run after the repair; 0: it is gone. */
const cases: readonly (readonly [what: string, sql: string, kinds: readonly string[], cap: number])[] = [
  ["an edit without a version", inNewest("version", "null"), ["role-broken", "role-uncapped"], 3],
  ["an edit that is no older than the next", inNewest("version", "1"), ["role-broken"], 2],
  ["a weight that no queue can have", inNewest("queues.default", "0"), ["role-broken", "role-uncapped"], 3],
  ["queues that are none", inNewest("queues", "[1]"), ["role-broken", "role-uncapped"], 3],
  ["an editor who is none", inNewest("by", "7"), ["role-broken", "role-uncapped"], 3],
  ["a maximum that is none", inNewest("concurrency", "0"), ["role-broken", "role-uncapped"], 3],
  [
    "a role of which nothing can be read",
    "UPDATE roles SET versions = 'x'",
    ["role-broken", "role-uncapped"],
    0,
  ],
  ["a maximum that was lost", "UPDATE roles SET concurrency = NULL", ["role-uncapped"], 2],
  ["a maximum that nobody set", "UPDATE roles SET concurrency = 7", ["role-uncapped"], 2],
  ["a step that is counted as control work", "UPDATE held SET control = 1", ["lease-mistaken"], 2],
  ["control work that is counted as a step", "UPDATE held SET control = 0", ["lease-mistaken"], 2],
];

describe("a check of roles", () => {
  it.each(cases)("finds and mends %s", async (_, sql, kinds, cap) => {
    const path = `${directory}/roles-${++files}.db`;
    const clock = createFakeClock();
    const store = await openSqliteStore(`sqlite:${path}`, { clock: clock.now });
    const raw = new DatabaseSync(path);
    try {
      const { single, mapped } = samplePlans;
      await store.setRole(role, { queues: { default: 1 }, concurrency: 3 }, "ada");
      await store.setRole(role, { concurrency: 2 }, "ada, b");
      const worker = await openDriver(store, { serves: ["a", "item", "join"], leaseMs: 1e12, role });
      await store.submit([submissionOf(mapped(), { list: [1] }), submissionOf(single())]);
      expect(await worker.takeControl(1)).toHaveLength(1);
      expect((await worker.exchange([], { slots: 1 })).grants).toHaveLength(1);
      expect(await checkAll(store)).toEqual([]);
      raw.exec(sql);
      expect((await checkAll(store)).map(({ kind }) => kind)).toEqual(kinds);
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      expect(await checkAll(store)).toEqual([]);
      expect((await store.listRoles()).map(({ concurrency }) => concurrency)).toEqual(cap === 0 ? [] : [cap]);
      expect((await store.readRoleUsage(role)).running).toBe(1);
    } finally {
      raw.close();
      await store.close();
    }
  });
});
