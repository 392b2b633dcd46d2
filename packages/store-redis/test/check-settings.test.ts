import { openRedisStore } from "@jobbers/store-redis";
import { checkAll, createFakeClock } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { SharedBench } from "./shared-redis.js";

const bench = new SharedBench();

const [RS, GS] = ["\u001e", "\u001d"];
const broken = ["settings-broken"];

/** Writes something else for the queue, which is paused, weighted by an edit, and holds 5 by its code. */
const change = (from: string, to: string) => async (prefix: string) => {
  const kept = (await bench.raw.hget(`${prefix}settings`, "mail")) as string;
  expect(kept).toContain(from);
  await bench.raw.hset(`${prefix}settings`, "mail", kept.replace(from, to));
};

/** What is broken, how, what is found, and what is left of the settings after the repair. */
const cases: readonly (readonly [
  what: string,
  breaking: (prefix: string) => Promise<unknown>,
  kinds: readonly string[],
  left: object | undefined,
])[] = [
  ["a record that is none", (p) => bench.raw.hset(`${p}settings`, "mail", "x"), broken, undefined],
  ["a flag that is none", change("1,0,", "7,0,"), broken, undefined],
  [
    "a name that nobody can read",
    (p) => bench.raw.hset(`${p}settings`, "%4", `0,0,0,,${GS}${GS}`),
    broken,
    { max: 5 },
  ],
  ["an editor whom nobody can read", change("ada", "%4"), broken, { max: 5, paused: true }],
  ["a maximum that is none", change("max=5", "max=0"), broken, { paused: true, priority: "weighted" }],
  ["a word that only edits may say", change("max=5", 'max="none"'), broken, { priority: "weighted" }],
  ["a priority that is none", change('"weighted"', '"loud"'), broken, { max: 5, paused: true }],
  ["a value that is no JSON", change("max=5", `max=5${RS}later=[`), broken, { max: 5 }],
  ["a list that begins with no part", change(`${GS}${RS}max`, `${GS}junk${RS}max`), broken, { max: 5 }],
  [
    "settings for which nobody looks",
    (p) => bench.raw.hdel(`${p}clock`, "steered"),
    ["settings-unheeded"],
    { max: 5 },
  ],
];

describe("a check of how queues are set", () => {
  it.each(cases)("finds and mends %s", async (_, breaking, kinds, left) => {
    const clock = createFakeClock();
    const namespace = bench.server.newNamespace();
    const store = await openRedisStore(bench.server.url, { namespace, clock: clock.now });
    try {
      await store.declareQueues([{ name: "mail", max: 5 }]);
      await store.setQueue("mail", { paused: true, priority: "weighted" }, "ada");
      const prefix = `jobbers:{${namespace}:0}:`;
      // A part that a later version may keep is left alone.
      await change("max=5", `max=5${RS}later={"a":[1]}`)(prefix);
      expect(await checkAll(store)).toEqual([]);
      await breaking(prefix);
      const found = await checkAll(store);
      expect(found.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      await checkAll(store, { repair: true });
      expect(await checkAll(store)).toEqual([]);
      const [settings] = (await store.listQueues()).map((queue) => queue.settings);
      if (left) expect(settings).toMatchObject(left);
      else expect(settings).toBeUndefined();
    } finally {
      await store.close();
    }
  });
});
