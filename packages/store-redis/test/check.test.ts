import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import {
  type BusyStore,
  busyEnds,
  checkAll,
  createFakeClock,
  makeBusy,
  openDriver,
  planOf,
  samplePlans,
  submissionOf,
  taskStep,
} from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.js";

const P = "jobbers:{main:0}:";
const clock = createFakeClock();
let server: RedisServer;
let raw: Redis;
let store: Store;
let busy: BusyStore;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
});
beforeEach(async () => {
  await raw.flushall();
  store = await openRedisStore(server.url, { clock: clock.now });
  busy = await makeBusy(store, clock);
});
afterEach(() => store.close());
afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

/** Changes one field of a record that is packed with commas. */
async function patch(key: string, field: string, change: (parts: string[]) => void) {
  const parts = ((await raw.hget(P + key, field)) as string).split(",");
  change(parts);
  await raw.hset(P + key, field, parts.join(","));
}

const set = (place: number, text: string) => (parts: string[]) => void parts.splice(place, 1, text);

/** Removes the entries of a step from all lines. */
async function dropEntry(run: string, address: string) {
  for (const key of await raw.keys(`${P}line:*`)) {
    for (const entry of await raw.lrange(key, 0, -1))
      if (entry.endsWith(`|${run}|${address}`)) await raw.lrem(key, 0, entry);
  }
}

async function dropTimer(run: string, address: string) {
  for (const entry of await raw.zrange(`${P}timers`, "0", "-1"))
    if (entry.endsWith(`|${run}|${address}`)) await raw.zrem(`${P}timers`, entry);
}

/** The one entry of a list that names a run. */
async function dropListed(list: string, run: string) {
  for (const entry of await raw.lrange(P + list, 0, -1))
    if (entry.endsWith(run)) await raw.lrem(P + list, 0, entry);
}

/** What is broken, how, and the kinds that are found. */
type Case = readonly [what: string, breaking: () => Promise<unknown>, kinds: readonly string[]];

const held = () => `held:${busy.session}`;
const planKey = async (run: string) => `${P}plan:${await raw.hget(`${P}run:${run}`, "p")}`;

/** A repair mends these, and every run still comes to its own end. */
const mendable: readonly Case[] = [
  ["a ready step without its entry", () => dropEntry(busy.mapped, "item[2]"), ["step-unplaced"]],
  ["an owed advance without its entry", () => dropEntry(busy.failed, "s2"), ["step-unplaced"]],
  ["a waiting step without its timer", () => dropTimer(busy.mapped, "item[1]"), ["step-unplaced"]],
  ["a scheduled run without its timer", () => dropTimer(busy.scheduled, ""), ["step-unplaced"]],
  [
    "a running step without its lease",
    () => patch(`run:${busy.diamond}`, "@c", set(4, "")),
    ["count-held", "step-unplaced", "hold-stale", "count-queue"],
  ],
  [
    "a step of a session that is gone",
    () => patch(`run:${busy.diamond}`, "@c", set(4, "nobody")),
    ["count-held", "lease-dead", "hold-stale", "count-queue"],
  ],
  [
    "a session that is over",
    () => raw.hset(`${P}session:${busy.session}`, "state", "over"),
    ["lease-dead", "orphan"],
  ],
  ["a session that is gone", () => raw.del(`${P}session:${busy.session}`), ["lease-dead", "orphan"]],
  ["a session that nobody sweeps", () => raw.zrem(`${P}sessions`, busy.session), ["session-unlisted"]],
  [
    "a lost session that nobody sweeps",
    async () => {
      await raw.hset(`${P}session:${busy.session}`, "state", "lost");
      await raw.zrem(`${P}sessions`, busy.session);
    },
    ["session-unlisted"],
  ],
  [
    "a lease that its session does not know",
    () => raw.hdel(P + held(), `${busy.diamond}|c`),
    ["lease-unlisted"],
  ],
  ["a lease with another fence", () => raw.hset(P + held(), `${busy.diamond}|c`, "77"), ["lease-unlisted"]],
  [
    "a session that holds what does not name it",
    () => raw.hset(P + held(), `${busy.mapped}|item[2]`, "1"),
    ["hold-stale"],
  ],
  ["the members of a run", () => patch(`run:${busy.diamond}`, "s", set(5, "0")), ["count-body"]],
  ["the members of a map", () => patch(`run:${busy.mapped}`, "#item[]", set(2, "2")), ["count-body"]],
  ["the leases of a run", () => patch(`run:${busy.diamond}`, "s", set(10, "x:3")), ["count-held"]],
  ["the counts by name", () => raw.hincrby(`${P}run:${busy.mapped}`, "+ritem", 3), ["count-name"]],
  ["lost counts by name", () => raw.hdel(`${P}run:${busy.mapped}`, "+ritem", "+xitem"), ["count-name"]],
  ["the running steps of a queue", () => raw.hset(`${P}queues`, "default", 12), ["count-queue"]],
  ["a line that is not among the open ones", () => raw.del(`${P}lines:default`), ["line-closed"]],
  [
    "a step that its run does not list",
    () => raw.zrem(`${P}order:${busy.mapped}`, "item[2]"),
    ["step-unlisted"],
  ],
  ["how many runs a list has", () => raw.hset(`${P}runs`, "0", 2), ["count-list"]],
  ["an ended run that is not listed", () => dropListed("ended:s", busy.ended), ["run-unlisted"]],
  ["one with a time of its own", () => raw.zrem(`${P}kept`, busy.kept), ["run-unlisted"]],
  ["a purged run that is not listed", () => dropListed("forget", busy.purged), ["run-unlisted"]],
  ["a run that goes on and is listed", () => raw.rpush(`${P}ended:s`, `1|${busy.mapped}`), ["run-mislisted"]],
  ["one that is about to be purged", () => raw.rpush(`${P}purging`, busy.mapped), ["run-mislisted"]],
  ["one that is about to be forgotten", () => raw.rpush(`${P}forget`, `1|${busy.ended}`), ["run-mislisted"]],
  ["one that is kept", () => raw.zadd(`${P}kept`, 1, busy.mapped), ["run-mislisted"]],
  [
    "a run that is listed twice",
    async () => raw.rpush(`${P}ended:s`, (await raw.lindex(`${P}ended:s`, 0)) as string),
    ["run-mislisted"],
  ],
  ["parts of no run", () => raw.hset(`${P}more:01NONE`, "=a", "1"), ["orphan"]],
  ["an order of no run", () => raw.zadd(`${P}order:01NONE`, 0, "a"), ["orphan"]],
  ["lanes of no session", () => raw.hset(`${P}lanes:none`, "0", "1"), ["orphan"]],
  ["mail of no session", () => raw.hset(`${P}mail:none`, busy.mapped, "0"), ["orphan"]],
  ["mail about a run that goes on", () => raw.hset(`${P}mail:${busy.session}`, busy.mapped, "0"), ["orphan"]],
  ["leases of no session", () => raw.hset(`${P}held:none`, `${busy.mapped}|item[2]`, "1"), ["hold-stale"]],
  ["an expiry of no session", () => raw.zadd(`${P}sessions`, 9e15, "none"), ["orphan"]],
  ["a mailbox that stays", () => raw.rpush(`${P}box:none`, "events"), ["orphan"]],
  ["runs of a list that are all gone", () => raw.rpush(`${P}runs:7`, "01NONE"), ["orphan"]],
  ["a body without its step", () => raw.hset(`${P}run:${busy.mapped}`, "#no", ",1,0,0,0,n"), ["orphan"]],
];

/** A repair names these, and leaves them as they are. */
const named: readonly Case[] = [
  [
    "a step that should have been judged",
    () => patch(`run:${busy.diamond}`, "@d", set(10, "2.0.0.0")),
    ["step-unjudged"],
  ],
  [
    "a run of which nothing can move",
    async () => {
      await raw.hdel(`${P}run:${busy.failed}`, "@s1", "@s2", "$s1", "$s2");
      await patch(`run:${busy.failed}`, "s", (parts) => void parts.splice(5, 3, "0", "0", "0"));
    },
    ["run-stuck"],
  ],
  ["a plan that is gone", async () => raw.del(await planKey(busy.mapped)), ["plan-missing"]],
  [
    "a step that cannot be read",
    () => raw.hset(`${P}more:${busy.mapped}`, "@item[3]", "nonsense"),
    ["record-broken"],
  ],
  [
    "a run that cannot be read",
    () => raw.hset(`${P}run:01BROKEN`, "h", "nonsense", "s", "x"),
    ["record-broken"],
  ],
  ["a run that no listing shows", () => raw.lset(`${P}runs:0`, 0, "01NONE"), ["run-unnumbered"]],
  ["a key of another program", () => raw.set(`${P}theirs`, "1"), ["foreign"]],
  ["a key of another type", () => raw.set(`${P}mail:theirs`, "1"), ["foreign"]],
];

const kinds = (found: readonly { readonly kind: string }[]) => [...new Set(found.map(({ kind }) => kind))];

describe("a check", () => {
  it.each(mendable)("finds and mends: %s", async (_, breaking, expected) => {
    await breaking();
    const found = await checkAll(store);
    expect(kinds(found).sort()).toEqual(expect.arrayContaining([...expected]));
    expect(found.every(({ repaired }) => !repaired)).toBe(true);
    expect(kinds(await checkAll(store)).sort()).toEqual(kinds(found).sort());
    const repaired = await checkAll(store, { repair: true });
    expect(repaired.filter((each) => !each.repaired)).toEqual([]);
    // What was given back to lines may show only once the rest is mended.
    await checkAll(store, { repair: true });
    expect(await checkAll(store)).toEqual([]);
    expect(await busy.finish()).toEqual(busyEnds);
    expect(await checkAll(store)).toEqual([]);
  });

  it.each(named)("only names: %s", async (_, breaking, expected) => {
    await breaking();
    expect(kinds(await checkAll(store))).toEqual(expect.arrayContaining([...expected]));
    await checkAll(store, { repair: true });
    const left = await checkAll(store, { repair: true });
    expect(kinds(left)).toEqual([...expected]);
    expect(left.every(({ repaired }) => !repaired)).toBe(true);
  });

  it("ends what should have ended", async () => {
    await patch(`run:${busy.mapped}`, "#item[]", set(1, "0"));
    await patch(`run:${busy.failed}`, "s", set(1, "1"));
    await patch(`run:${busy.diamond}`, "h", set(6, "1"));
    expect(kinds(await checkAll(store)).sort()).toEqual(["run-open", "step-open"]);
    await checkAll(store, { repair: true });
    expect(await store.getRun(busy.diamond)).toMatchObject({ state: "succeeded" });
    expect(await store.getRun(busy.failed)).toMatchObject({ state: "cancelled" });
    expect(await store.getStep(busy.mapped, "item[]")).toMatchObject({ state: "succeeded" });
  });

  it("writes nothing where it does not repair", async () => {
    await patch(`run:${busy.diamond}`, "s", set(5, "0"));
    await raw.rpush(`${P}purging`, busy.mapped);
    const changes = async () => /rdb_changes_since_last_save:(\d+)/.exec(await raw.info("persistence"))?.[1];
    const before = await changes();
    expect(await checkAll(store)).not.toEqual([]);
    expect(await changes()).toBe(before);
  });
});

describe("a check of a large run", () => {
  const width = 3_000;
  const plan = samplePlans.mapped();
  let run: string;
  beforeEach(async () => {
    const submission = submissionOf(plan, { list: Array.from({ length: width }, (_, i) => i) });
    await store.submit([submission]);
    run = submission.id;
    const worker = await openDriver(store, { serves: ["item"], slots: 100 });
    for (const grant of await worker.take(50)) await worker.succeed(grant);
  });
  const finish = async () => {
    await (await openDriver(store, { serves: ["item", "join", "a", "b", "c", "d"], slots: 500 })).finish();
    return (await store.getRun(run))?.state;
  };

  it("recounts it twice, and mends it", async () => {
    expect(await checkAll(store)).toEqual([]);
    await patch(`run:${run}`, "#item[]", set(2, "12"));
    await raw.hincrby(`${P}run:${run}`, "+sitem", 5);
    await dropEntry(run, "item[2999]");
    expect(kinds(await checkAll(store)).sort()).toEqual(["count-body", "count-name", "step-unplaced"]);
    expect((await checkAll(store, { repair: true })).filter(({ repaired }) => !repaired)).toEqual([]);
    expect(await checkAll(store)).toEqual([]);
    expect(await finish()).toBe("succeeded");
  });

  it("wrongs no run that goes on meanwhile", async () => {
    const checking = async () => {
      for (let n = 0; n < 6; n++)
        expect(await checkAll(store, { repair: n % 2 === 1, limit: 1_000 })).toEqual([]);
    };
    const [state] = await Promise.all([finish(), checking()]);
    expect(state).toBe("succeeded");
    expect(await checkAll(store)).toEqual([]);
  });
});

it("finds nothing wrong with steps that stand in the lines of those who serve them", async () => {
  const plan = planOf("two", [taskStep("rare"), taskStep("common")]);
  await store.submit(Array.from({ length: 40 }, (_, n) => submissionOf(plan, n)));
  await (await openDriver(store, { serves: ["common", "a", "b", "c", "d", "item", "join"] })).finish();
  expect(await checkAll(store)).toEqual([]);
  await dropEntry(((await store.listRuns({ limit: 1 })).runs[0] as { id: string }).id, "rare");
  expect(kinds(await checkAll(store))).toEqual(["step-unplaced"]);
});
