import { openRedisStore } from "@jobbers/store-redis";
import { checkAll, createFakeClock, openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { SharedBench } from "./shared-redis.js";

const bench = new SharedBench();

const role = "crew";
const US = "\u001f";
const edit = (...parts: (string | number)[]) => parts.join(US);

/** Replaces the newest of two edits, of which it limits the role to 2 and the first one to 3. */
const replaceNewest = (text: string) => async (prefix: string) => {
  const [, first] = ((await bench.raw.hget(`${prefix}roles`, role)) as string).split("\u001e");
  await bench.raw.hset(`${prefix}roles`, role, `${text}\u001e${first}`);
};

/** What is broken, how, what is found, and how many steps the role may run after the repair; 0: it is gone. */
const cases: readonly (readonly [
  what: string,
  breaking: (prefix: string, session: string) => Promise<unknown>,
  kinds: readonly string[],
  cap: number,
])[] = [
  ["an edit that is none", replaceNewest("nonsense"), ["role-broken", "role-uncapped"], 3],
  [
    "an edit without a version",
    replaceNewest(edit("", 1, "ada", "default=1", 2)),
    ["role-broken", "role-uncapped"],
    3,
  ],
  [
    "an edit that is no older than the next",
    replaceNewest(edit(1, 1, "ada", "default=1", 2)),
    ["role-broken"],
    2,
  ],
  [
    "a weight that no queue can have",
    replaceNewest(edit(2, 1, "ada", "default=0", 2)),
    ["role-broken", "role-uncapped"],
    3,
  ],
  [
    "a queue that nobody can read",
    replaceNewest(edit(2, 1, "ada", "%ff=1", 2)),
    ["role-broken", "role-uncapped"],
    3,
  ],
  [
    "an editor whom nobody can read",
    replaceNewest(edit(2, 1, "%4", "default=1", 2)),
    ["role-broken", "role-uncapped"],
    3,
  ],
  [
    "a maximum that is none",
    replaceNewest(edit(2, 1, "ada", "default=1", 0)),
    ["role-broken", "role-uncapped"],
    3,
  ],
  [
    "a role of which nothing can be read",
    (p) => bench.raw.hset(`${p}roles`, role, "x"),
    ["role-broken", "role-uncapped"],
    0,
  ],
  [
    "a name that nobody can read",
    (p) => bench.raw.hset(`${p}roles`, "%4", edit(1, 1, "", "a=1", "")),
    ["role-broken"],
    2,
  ],
  ["a maximum that was lost", (p) => bench.raw.del(`${p}caps`), ["role-uncapped"], 2],
  ["a maximum that nobody set", (p) => bench.raw.hset(`${p}caps`, role, 7), ["role-uncapped"], 2],
  ["a maximum of no role", (p) => bench.raw.hset(`${p}caps`, "other", 7), ["orphan"], 2],
  ["a maximum that nobody looks for", (p) => bench.raw.hdel(`${p}clock`, "capped"), ["role-uncapped"], 2],
  [
    "a session that its role does not list",
    (p, id) => bench.raw.srem(`${p}role:${role}`, id),
    ["session-unlisted"],
    2,
  ],
  ["a session that is none", (p) => bench.raw.sadd(`${p}role:${role}`, "nobody"), ["orphan"], 2],
  ["a session of another role", (p, id) => bench.raw.sadd(`${p}role:other`, id), ["orphan"], 2],
  [
    "a step that is counted as control work",
    async (p, id) =>
      bench.raw.sadd(`${p}control:${id}`, (await bench.raw.smembers(`${p}held:${id}`)) as string[]),
    ["lease-mistaken"],
    2,
  ],
  [
    "control work that is counted as a step",
    (p, id) => bench.raw.del(`${p}control:${id}`),
    ["lease-mistaken"],
    2,
  ],
  [
    "control work that nobody holds",
    (p, id) => bench.raw.sadd(`${p}control:${id}`, "gone|a|1"),
    ["orphan"],
    2,
  ],
];

describe("a check of roles", () => {
  it.each(cases)("finds and mends %s", async (_, breaking, kinds, cap) => {
    const clock = createFakeClock();
    const namespace = bench.server.newNamespace();
    const store = await openRedisStore(bench.server.url, { namespace, clock: clock.now });
    try {
      const { single, mapped } = samplePlans;
      await store.setRole(role, { queues: { default: 1 }, concurrency: 3 }, "ada");
      await store.setRole(role, { concurrency: 2 }, "ada, b");
      const worker = await openDriver(store, { serves: ["a", "item", "join"], leaseMs: 1e12, role });
      await store.submit([submissionOf(mapped(), { list: [1] }), submissionOf(single())]);
      expect(await worker.takeControl(1)).toHaveLength(1);
      expect((await worker.exchange([], { slots: 1 })).grants).toHaveLength(1);
      expect(await checkAll(store)).toEqual([]);
      const prefix = `jobbers:{${namespace}:0}:`;
      await breaking(prefix, worker.session.id);
      const found = await checkAll(store);
      expect([...new Set(found.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      expect(await checkAll(store)).toEqual([]);
      expect((await store.listRoles()).map(({ concurrency }) => concurrency)).toEqual(cap === 0 ? [] : [cap]);
      expect((await store.readRoleUsage(role)).running).toBe(1);
    } finally {
      await store.close();
    }
  });
});
