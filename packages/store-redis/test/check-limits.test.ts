import { FAIR } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { checkAll, createFakeClock, newRunId, openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { SharedBench } from "./shared-redis.js";

const bench = new SharedBench();

const name = "a/concurrency";
const coded = "a%2Fconcurrency";
const tuple = `k${coded}=x=1`;

/** What is broken, how, and the kinds that are found, in any order. */
const cases: readonly (readonly [
  what: string,
  breaking: (prefix: string) => Promise<unknown>,
  kinds: readonly string[],
])[] = [
  ["a slot that was lost", (p) => bench.raw.del(`${p}slots:${coded}`), ["count-slots", "slot-missing"]],
  ["a count that is wrong", (p) => bench.raw.hset(`${p}used:${coded}`, "x", 7), ["count-slots"]],
  [
    "a slot that is nobody's",
    async (p) => {
      await bench.raw.hset(`${p}slots:${coded}`, "x|gone|a|1", "nobody");
      await bench.raw.hset(`${p}used:${coded}`, "x", 2);
    },
    ["slot-stale"],
  ],
  [
    "a priority that is ahead where none can be",
    (p) => bench.raw.hset(`${p}levels`, "default", "5=99999"),
    ["level-stale"],
  ],
  ["a line that stands nowhere", (p) => bench.raw.del(`${p}parked:${coded}:x`), ["line-closed"]],
  [
    "a parked line that nothing would wake",
    (p) => bench.raw.hset(`${p}limits`, coded, "c\u001f9\u001f\u001f"),
    ["line-parked"],
  ],
  [
    "an open line without entries",
    (p) => bench.raw.zadd(`${p}ring:default:5:a`, 1, "kother=y=1"),
    ["line-closed", "orphan"],
  ],
  [
    "a line that is open as well",
    async (p) => {
      await bench.raw.zadd(`${p}ring:default:5:a`, 1, tuple);
      await bench.raw.sadd(`${p}rings:default`, "5:a");
    },
    ["orphan"],
  ],
];

describe("a check of limits", () => {
  it.each(cases)("finds and mends %s", async (_, breaking, kinds) => {
    const clock = createFakeClock();
    const namespace = bench.server.newNamespace();
    const store = await openRedisStore(bench.server.url, { namespace, clock: clock.now });
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
      const prefix = `jobbers:{${namespace}:0}:`;
      await bench.raw.srem(`${prefix}rings:default`, "5:a");
      await breaking(prefix);
      const found = await checkAll(store);
      expect([...new Set(found.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      await checkAll(store, { repair: true });
      expect(await checkAll(store)).toEqual([]);
      if (grant) await worker.succeed(grant);
      clock.advance(1_000);
      await store.promoteDue(10);
      await worker.finish();
      for (const { id } of runs) expect((await store.getRun(id))?.state).toBe("succeeded");
      expect(await store.readLimit(name, "x")).toMatchObject({ used: 0, parked: 0 });
    } finally {
      await store.close();
    }
  });
});

const ring = "ring:default:5:a:x";

describe("a check of tenants", () => {
  it.each<(typeof cases)[number]>([
    ["a tenant that takes no turns", (p) => bench.raw.zrem(`${p}tenants:default:5:a`, "x"), ["line-closed"]],
    ["one that has no open line", (p) => bench.raw.zadd(`${p}tenants:default:5:a`, 0, "gone"), ["orphan"]],
    ["a line in no ring", (p) => bench.raw.del(`${p}${ring}`), ["line-closed", "orphan"]],
    ["a line in the ring of another", (p) => bench.raw.zadd(`${p}${ring}`, 1, "f=y=1"), ["orphan"]],
    ["tenants that no queue knows of", (p) => bench.raw.srem(`${p}rings:default`, "5:a:"), ["line-closed"]],
    ["weights that nobody said", (p) => bench.raw.hset(`${p}weights:default`, "x", 3), ["orphan"]],
    ["weights that are lost", (p) => bench.raw.del(`${p}weights:side`), ["orphan"]],
  ])("finds and mends %s", async (_, breaking, kinds) => {
    const namespace = bench.server.newNamespace();
    const store = await openRedisStore(bench.server.url, { namespace });
    try {
      const limits = [{ task: "a", limits: [], fairIn: "all" as const }];
      const worker = await openDriver(store, { serves: ["a"], leaseMs: 1e12, limits });
      await store.setQueue("side", { weights: { x: 2 } }, "me");
      const uses = [{ limit: FAIR, key: "x", cost: 1 }];
      const run = submissionOf(samplePlans.single(), 1, { id: newRunId(), limits: uses });
      await store.submit([run]);
      expect(await checkAll(store)).toEqual([]);
      await breaking(`jobbers:{${namespace}:0}:`);
      const found = await checkAll(store);
      expect([...new Set(found.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
      expect((await checkAll(store, { repair: true })).every(({ repaired }) => repaired)).toBe(true);
      await checkAll(store, { repair: true });
      expect(await checkAll(store)).toEqual([]);
      expect(await worker.take(2)).toHaveLength(1);
    } finally {
      await store.close();
    }
  });
});
