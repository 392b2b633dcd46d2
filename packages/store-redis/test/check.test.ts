import { checkAll, openDriver, planOf, samplePlans, submissionOf, taskStep } from "@jobbers/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { FS } from "../src/text.js";
import { type Case, CheckBench, kinds, P, set } from "./check-bench.js";

const at = new CheckBench();

/** A repair mends these, and every run still comes to its own end. */
const mendable: readonly Case[] = [
  ["a ready step without its entry", () => at.dropEntry(at.busy.mapped, "item[2]"), ["step-unplaced"]],
  ["an owed advance without its entry", () => at.dropEntry(at.busy.failed, "s2"), ["step-unplaced"]],
  ["a waiting step without its timer", () => at.dropTimer(at.busy.mapped, "item[1]"), ["step-unplaced"]],
  ["a scheduled run without its timer", () => at.dropTimer(at.busy.scheduled, ""), ["step-unplaced"]],
  [
    "a running step without its lease",
    () => at.patch(`run:${at.busy.diamond}`, "@c", set(4, "")),
    ["count-held", "step-unplaced", "hold-stale", "count-queue"],
  ],
  [
    "a step of a session that is gone",
    () => at.patch(`run:${at.busy.diamond}`, "@c", set(4, "nobody")),
    ["count-held", "lease-dead", "hold-stale", "count-queue"],
  ],
  [
    "a session that is over",
    () => at.raw.hset(`${P}session:${at.busy.session}`, "state", "over"),
    ["lease-dead", "orphan"],
  ],
  ["a session that is gone", () => at.raw.del(`${P}session:${at.busy.session}`), ["lease-dead", "orphan"]],
  [
    "a clock that was set back",
    () => at.raw.hset(`${P}clock`, { events: 0, runs: 0, seq: 0 }),
    ["clock-behind"],
  ],
  ["a clock that is gone", () => at.raw.del(`${P}clock`), ["clock-behind"]],
  ["a session that nobody sweeps", () => at.raw.zrem(`${P}sessions`, at.busy.session), ["session-unlisted"]],
  [
    "a session that its host does not list",
    () => at.raw.srem(`${P}host:test-host`, at.busy.session),
    ["session-unlisted"],
  ],
  ["a host's session that is none", () => at.raw.sadd(`${P}host:other`, "none"), ["orphan"]],
  ["a name's session that is none", () => at.raw.sadd(`${P}worker:other`, "none"), ["orphan"]],
  [
    "a lost session that nobody sweeps",
    async () => {
      await at.raw.hset(`${P}session:${at.busy.session}`, "state", "lost");
      await at.raw.zrem(`${P}sessions`, at.busy.session);
      await at.raw.srem(`${P}host:test-host`, at.busy.session);
      await at.raw.srem(`${P}worker:tester`, at.busy.session);
    },
    ["session-unlisted"],
  ],
  [
    "a lease that its session does not know",
    () => at.raw.srem(at.held, `${at.busy.diamond}|c|1`),
    ["lease-unlisted"],
  ],
  [
    "a lease with another fence",
    () => at.swapHeld(`${at.busy.diamond}|c|1`, `${at.busy.diamond}|c|77`),
    ["lease-unlisted", "hold-stale"],
  ],
  [
    "a session that holds what does not name it",
    () => at.raw.sadd(at.held, `${at.busy.mapped}|item[2]|1`),
    ["hold-stale"],
  ],
  ["the members of a run", () => at.patch(`run:${at.busy.diamond}`, "s", set(5, "0")), ["count-body"]],
  ["the members of a map", () => at.patch(`run:${at.busy.mapped}`, "#item[]", set(2, "2")), ["count-body"]],
  ["the leases of a run", () => at.patch(`run:${at.busy.diamond}`, "s", set(10, "x:3")), ["count-held"]],
  ["the counts by name", () => at.raw.hincrby(`${P}run:${at.busy.mapped}`, "+ritem", 3), ["count-name"]],
  ["lost counts by name", () => at.raw.hdel(`${P}run:${at.busy.mapped}`, "+ritem", "+xitem"), ["count-name"]],
  ["the running steps of a queue", () => at.raw.hset(`${P}queues`, "default", 12), ["count-queue"]],
  ["a line that is not among the open ones", () => at.raw.del(`${P}lines:default`), ["line-closed"]],
  [
    "a step that its run does not list",
    () => at.raw.zrem(`${P}order:${at.busy.mapped}`, "item[2]"),
    ["step-unlisted"],
  ],
  ["how many runs a list has", () => at.raw.hset(`${P}runs`, "0", 2), ["count-list"]],
  ["a scheduled run that is not found by its state", () => at.raw.del(`${P}listed:d`), ["run-unfound"]],
  [
    "a run that is found by a state that it is not in",
    () => at.raw.zadd(`${P}listed:f`, 0, at.busy.ended),
    ["orphan"],
  ],
  ["a list that is not found by time", () => at.raw.del(`${P}starts`), ["run-unfound"]],
  [
    "a key that is held until the end of a run that is gone",
    () => at.raw.set(`${P}claim:s:single:k`, "01ARZ3NDEKTSV4RRFFQ69G5FAV,f,e,1,"),
    ["orphan"],
  ],
  [
    "a key that is held for a time, and kept for ever",
    () => at.raw.set(`${P}claim:i:single:k`, "01ARZ3NDEKTSV4RRFFQ69G5FAV,f,1,1,"),
    ["orphan"],
  ],
  ["the start of no list", () => at.raw.zadd(`${P}starts`, 1, "000000000099"), ["orphan"]],
  ["an ended run that is not listed", () => at.dropListed("ended:s", at.busy.ended), ["run-unlisted"]],
  ["one with a time of its own", () => at.raw.zrem(`${P}kept`, at.busy.kept), ["run-unlisted"]],
  ["a purged run that is not listed", () => at.dropListed("forget", at.busy.purged), ["run-unlisted"]],
  [
    "a run that goes on and is listed",
    () => at.raw.rpush(`${P}ended:s`, `1|${at.busy.mapped}`),
    ["run-mislisted"],
  ],
  ["one that is about to be purged", () => at.raw.rpush(`${P}purging`, at.busy.mapped), ["run-mislisted"]],
  [
    "one that is about to be forgotten",
    () => at.raw.rpush(`${P}forget`, `1|${at.busy.ended}`),
    ["run-mislisted"],
  ],
  ["one that is kept", () => at.raw.zadd(`${P}kept`, 1, at.busy.mapped), ["run-mislisted"]],
  [
    "a run that is listed twice",
    async () => at.raw.rpush(`${P}ended:s`, (await at.raw.lindex(`${P}ended:s`, 0)) as string),
    ["run-mislisted"],
  ],
  [
    "a dead letter of a step that has not failed",
    async () => {
      await at.raw.zadd(`${P}dead`, 1, `${at.busy.mapped}|item[2]`);
      await at.raw.hset(
        `${P}letters`,
        `${at.busy.mapped}|item[2]`,
        "item\u001fdefault\u001ferror\u001fmapped",
      );
      await at.raw.sadd(`${P}lettersof:${at.busy.mapped}`, "item[2]");
      await at.raw.hincrby(`${P}lettercounts`, "item", 1);
    },
    ["letter-stale"],
  ],
  [
    "a dead letter of which nothing is known",
    () => at.raw.zadd(`${P}dead`, 1, `${at.busy.mapped}|item[2]`),
    ["orphan"],
  ],
  ["a dead letter without its number", () => at.raw.zrem(`${P}dead`, `${at.busy.failed}|s1`), ["orphan"]],
  [
    "a dead letter that its run does not know of",
    () => at.raw.del(`${P}lettersof:${at.busy.failed}`),
    ["letter-unlisted"],
  ],
  ["how many dead letters a task has", () => at.raw.hset(`${P}lettercounts`, "s1", 9), ["count-list"]],
  [
    "a run that goes on and that its dead letters are said to keep",
    () => at.raw.sadd(`${P}lettered`, at.busy.mapped),
    ["run-mislisted"],
  ],
  ["parts of no run", () => at.raw.hset(`${P}more:01NONE`, "=a", "1"), ["orphan"]],
  ["an order of no run", () => at.raw.zadd(`${P}order:01NONE`, 0, "a"), ["orphan"]],
  ["a log of no run", () => at.raw.rpush(`${P}logs:01NONE`, "1"), ["orphan"]],
  ["what is known of the log of no run", () => at.raw.hset(`${P}logged:01NONE`, "a", "1,1,0"), ["orphan"]],
  ["a log of which nothing is known", () => at.raw.rpush(`${P}logs:${at.busy.mapped}`, "1"), ["orphan"]],
  ["lanes of no session", () => at.raw.hset(`${P}lanes:none`, "0", "1"), ["orphan"]],
  ["mail of no session", () => at.raw.hset(`${P}mail:none`, at.busy.mapped, "0"), ["orphan"]],
  [
    "mail about a run that goes on",
    () => at.raw.hset(`${P}mail:${at.busy.session}`, at.busy.mapped, "0"),
    ["orphan"],
  ],
  ["leases of no session", () => at.raw.sadd(`${P}held:none`, `${at.busy.mapped}|item[2]|1`), ["hold-stale"]],
  [
    "progress of a step that its session does not hold",
    () => at.raw.hset(`${P}beats:${at.busy.session}`, `${at.busy.mapped}|item[2]|1`, "1,1\u001e\u001e{}"),
    ["orphan"],
  ],
  [
    "progress of no session",
    () => at.raw.hset(`${P}beats:none`, at.busy.running, "1,1\u001e\u001e{}"),
    ["orphan"],
  ],
  [
    "progress that nobody would look for",
    () => at.raw.hdel(`${P}session:${at.busy.session}`, "beats"),
    ["progress-unended"],
  ],
  ["an expiry of no session", () => at.raw.zadd(`${P}sessions`, 9e15, "none"), ["orphan"]],
  ["a mailbox that stays", () => at.raw.rpush(`${P}box:none`, "events"), ["orphan"]],
  ["runs of a list that are all gone", () => at.raw.rpush(`${P}runs:7`, "01NONE"), ["orphan"]],
  [
    "runs beyond the greatest id",
    async () => {
      const ids = (await at.raw.lrange(`${P}runs:0`, 0, -1)).sort().reverse();
      expect(await at.raw.hget(`${P}clock`, "newest")).toBe(ids[0]);
      // The purged one is listed still, and may be the greatest.
      const [, next] = ids.filter((id) => id !== at.busy.purged);
      await at.raw.hset(`${P}clock`, "newest", next as string);
    },
    ["run-beyond"],
  ],
  [
    "a body without its step",
    () => at.raw.hset(`${P}run:${at.busy.mapped}`, "#no", ",1,0,0,0,n"),
    ["orphan"],
  ],
];

/** A repair names these, and leaves them as they are. */
const named: readonly Case[] = [
  [
    "a step that should have been judged",
    () => at.patch(`run:${at.busy.diamond}`, "@d", set(10, "2.0.0.0")),
    ["step-unjudged"],
  ],
  [
    "what a map counts by queue",
    () => at.raw.hset(`${P}more:${at.busy.mapped}`, "=item[]:spread", '[["a",1,0,0,0]]'),
    ["count-spread"],
  ],
  [
    "a run of which nothing can move",
    async () => {
      await at.raw.hdel(`${P}run:${at.busy.failed}`, "@s1", "@s2", "$s1", "$s2");
      await at.patch(`run:${at.busy.failed}`, "s", (parts) => void parts.splice(5, 3, "0", "0", "0"));
    },
    ["run-stuck"],
  ],
  [
    "a plan that is gone",
    async () => at.raw.hdel(await at.planKey(at.busy.mapped), "text"),
    ["plan-missing"],
  ],
  [
    "a step that cannot be read",
    () => at.raw.hset(`${P}more:${at.busy.mapped}`, "@item[3]", "nonsense"),
    ["record-broken"],
  ],
  [
    "steps whose template is gone",
    async () => {
      const record = await at.raw.hget(`${P}more:${at.busy.mapped}`, "@item[3]");
      expect(await at.raw.hdel(await at.planKey(at.busy.mapped), `$[${record?.split(FS)[1]}]`)).toBe(1);
    },
    ["record-broken"],
  ],
  [
    "a run that cannot be read",
    () => at.raw.hset(`${P}run:01BROKEN`, "h", "nonsense", "s", "x"),
    ["record-broken"],
  ],
  ["a run that no listing shows", () => at.raw.lset(`${P}runs:0`, 0, "01NONE"), ["run-unnumbered"]],
  ["a key of another program", () => at.raw.set(`${P}theirs`, "1"), ["foreign"]],
  ["a key of another type", () => at.raw.set(`${P}mail:theirs`, "1"), ["foreign"]],
];

describe("a check", () => {
  it.each(mendable)("finds and mends: %s", (_, breaking, expected) => at.mends(breaking, expected));

  it.each(named)("only names: %s", (_, breaking, expected) => at.names(breaking, expected));

  it("ends what should have ended", async () => {
    await at.patch(`run:${at.busy.mapped}`, "#item[]", set(1, "0"));
    await at.patch(`run:${at.busy.failed}`, "s", set(1, "1"));
    await at.patch(`run:${at.busy.diamond}`, "h", set(6, "1"));
    expect(kinds(await checkAll(at.store)).sort()).toEqual(["run-open", "step-open"]);
    await checkAll(at.store, { repair: true });
    expect(await at.store.getRun(at.busy.diamond)).toMatchObject({ state: "succeeded" });
    expect(await at.store.getRun(at.busy.failed)).toMatchObject({ state: "cancelled" });
    expect(await at.store.getStep(at.busy.mapped, "item[]")).toMatchObject({ state: "succeeded" });
  });

  it("writes nothing where it does not repair", async () => {
    await at.patch(`run:${at.busy.diamond}`, "s", set(5, "0"));
    await at.raw.rpush(`${P}purging`, at.busy.mapped);
    const before = await at.changes();
    expect(await checkAll(at.store)).not.toEqual([]);
    expect(await at.changes()).toBe(before);
  });
});

describe("a check of a large run", () => {
  const width = 3_000;
  const plan = samplePlans.mapped();
  let run: string;
  beforeEach(async () => {
    const submission = submissionOf(plan, { list: Array.from({ length: width }, (_, i) => i) });
    await at.store.submit([submission]);
    run = submission.id;
    const worker = await openDriver(at.store, { serves: ["item"], slots: 100 });
    for (const grant of await worker.take(50)) await worker.succeed(grant);
  });
  const finish = async () => {
    await (await openDriver(at.store, { serves: ["item", "join", "a", "b", "c", "d"], slots: 500 })).finish();
    return (await at.store.getRun(run))?.state;
  };

  it("recounts it twice, and mends it", async () => {
    expect(await checkAll(at.store)).toEqual([]);
    await at.patch(`run:${run}`, "#item[]", set(2, "12"));
    await at.raw.hincrby(`${P}run:${run}`, "+sitem", 5);
    await at.dropEntry(run, "item[2999]");
    expect(kinds(await checkAll(at.store)).sort()).toEqual(["count-body", "count-name", "step-unplaced"]);
    expect((await checkAll(at.store, { repair: true })).filter(({ repaired }) => !repaired)).toEqual([]);
    expect(await checkAll(at.store)).toEqual([]);
    expect(await finish()).toBe("succeeded");
  });

  it("wrongs no run that goes on meanwhile", async () => {
    const checking = async () => {
      for (let n = 0; n < 6; n++)
        expect(await checkAll(at.store, { repair: n % 2 === 1, limit: 1_000 })).toEqual([]);
    };
    const [state] = await Promise.all([finish(), checking()]);
    expect(state).toBe("succeeded");
    expect(await checkAll(at.store)).toEqual([]);
  });
});

it("finds nothing wrong with steps that stand in the lines of those who serve them", async () => {
  const plan = planOf("two", [taskStep("rare"), taskStep("common")]);
  await at.store.submit(Array.from({ length: 40 }, (_, n) => submissionOf(plan, n)));
  await (await openDriver(at.store, { serves: ["common", "a", "b", "c", "d", "item", "join"] })).finish();
  expect(await checkAll(at.store)).toEqual([]);
  await at.dropEntry(((await at.store.listRuns({ limit: 1 })).runs[0] as { id: string }).id, "rare");
  expect(kinds(await checkAll(at.store))).toEqual(["step-unplaced"]);
});

it("finds and mends what nothing would move on that sticks to a worker", async () => {
  const plan = planOf("pair", [taskStep("a"), taskStep("b", { after: ["a"], stickyMs: 600_000 })]);
  const submission = submissionOf(plan);
  await at.store.submit([submission]);
  const parts = { serves: ["a", "b"], leaseMs: Number.POSITIVE_INFINITY };
  const one = await openDriver(at.store, { ...parts, worker: "one" });
  for (const grant of await one.take(5)) if (grant.lease.run === submission.id) await one.succeed(grant);
  const name = "one:default:5:600000";
  for (const breaking of [
    () => at.raw.zrem(`${P}timers`, `000000000000000|@|${name}`),
    () => at.raw.del(`${P}sticky`),
    () => at.raw.del(`${P}nears:one:default`),
  ]) {
    expect(await checkAll(at.store)).toEqual([]);
    expect(await breaking()).toBe(1);
    expect(await checkAll(at.store, { repair: true })).toMatchObject([
      { kind: "line-closed", key: `near:${name}`, repaired: true },
    ]);
  }
  await at.raw.del(`${P}near:${name}`);
  expect(await checkAll(at.store, { repair: true })).toMatchObject([{ kind: "step-unplaced", step: "b" }]);
  expect((await one.take(1)).map(({ lease }) => lease.address)).toEqual(["b"]);
});

it("takes lists of runs for what they are, however far back the clock was set, and numbers what comes next behind them", async () => {
  const many = Array.from({ length: 1_001 }, (_, n) => submissionOf(samplePlans.single(), n));
  for (const from of [0, 500, 1_000]) await at.store.submit(many.slice(from, from + 500));
  await at.raw.hset(`${P}clock`, { events: 0, runs: 0, seq: 0 });
  expect(kinds(await checkAll(at.store))).toEqual(["clock-behind"]);
  expect(kinds(await checkAll(at.store, { repair: true }))).toEqual(["clock-behind"]);
  const [next] = await at.store.submit([submissionOf(samplePlans.single(), "next")]);
  expect(next).toMatchObject({ status: "created" });
  expect((await at.store.listRuns({ limit: 1 })).runs).toMatchObject([{ id: next?.id }]);
  expect(await checkAll(at.store)).toEqual([]);
});
