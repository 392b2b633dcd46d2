import { openSqliteStore } from "@jobbers/store-sqlite";
import { checkAll, createFakeClock } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, it } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
let files = 0;

const broken = ["settings-broken"];
const set = (column: string, value: string) => `UPDATE queue_settings SET ${column} = ${value}`;

/** What is broken, how, what is found, and what is left of the settings after the repair. */
const cases: readonly (readonly [
  what: string,
  sql: string,
  kinds: readonly string[],
  left: object | undefined,
])[] = [
  ["a flag that is none", set("paused", "7"), broken, undefined],
  ["a version that is none", set("version", "'x'"), broken, undefined],
  ["an editor who is none", set("editor", "x'07'"), broken, { max: 5, paused: true }],
  ["what code says, unreadable", set("code", "'{'"), broken, { paused: true, priority: "weighted" }],
  ["a maximum that is none", set("code", "json_set(code, '$.max', 0)"), broken, { priority: "weighted" }],
  [
    "a word that only edits may say",
    set("code", "json_set(code, '$.max', 'none')"),
    broken,
    { paused: true },
  ],
  [
    "a priority that is none",
    set("edit", "json_set(edit, '$.priority', 'loud')"),
    [...broken, "settings-unheeded"],
    { max: 5, paused: true },
  ],
  ["a weighted queue that nobody takes for one", set("weighted", "0"), ["settings-unheeded"], { max: 5 }],
];

describe("a check of how queues are set", () => {
  it.each(cases)("finds and mends %s", async (_, sql, kinds, left) => {
    const path = `${directory}/settings-${++files}.db`;
    const clock = createFakeClock();
    const store = await openSqliteStore(`sqlite:${path}`, { clock: clock.now });
    const raw = new DatabaseSync(path);
    try {
      await store.declareQueues([{ name: "mail", max: 5 }]);
      await store.setQueue("mail", { paused: true, priority: "weighted" }, "ada");
      // A part that a later version may keep is left alone.
      raw.exec(set("code", "json_set(code, '$.later', json('[1]'))"));
      expect(await checkAll(store)).toEqual([]);
      raw.exec(sql);
      const found = await checkAll(store);
      expect(found.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
      await checkAll(store, { repair: true });
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      expect(await checkAll(store)).toEqual([]);
      const [settings] = (await store.listQueues()).map((queue) => queue.settings);
      if (left) expect(settings).toMatchObject(left);
      else expect(settings).toBeUndefined();
    } finally {
      raw.close();
      await store.close();
    }
  });
});
