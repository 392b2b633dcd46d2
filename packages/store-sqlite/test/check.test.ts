import type { Store } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import {
  type BusyStore,
  busyEnds,
  checkAll,
  createFakeClock,
  makeBusy,
  openDriver,
  planOf,
  submissionOf,
  taskStep,
} from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();
let files = 0;
let store: Store;
let busy: BusyStore;
let raw: InstanceType<typeof DatabaseSync>;
const clock = createFakeClock();

beforeEach(async () => {
  const path = `${directory}/${++files}.db`;
  store = await openSqliteStore(`sqlite:${path}`, { clock: clock.now });
  busy = await makeBusy(store, clock);
  raw = new DatabaseSync(path);
});
afterEach(async () => {
  raw.close();
  await store.close();
});

const runNumber = (id: string) => `(SELECT seq FROM runs WHERE id = '${id}')`;
const step = (run: string, address: string) => `run = ${runNumber(run)} AND address = '${address}'`;

/** What is broken, how, and the kinds that are found. */
type Case = readonly [what: string, breaking: () => string, kinds: readonly string[]];

/** A repair mends these, and every run still comes to its own end. */
const mendable: readonly Case[] = [
  [
    "a ready step without its entry",
    () => `DELETE FROM ready WHERE ${step(busy.mapped, "item[2]")}`,
    ["step-unplaced", "count-line"],
  ],
  [
    "an owed advance without its entry",
    () => `DELETE FROM ready WHERE ${step(busy.failed, "s2")}`,
    ["step-unplaced", "count-line"],
  ],
  [
    "a waiting step without its timer",
    () => `DELETE FROM timers WHERE ${step(busy.mapped, "item[1]")}`,
    ["step-unplaced"],
  ],
  [
    "a dead letter of a step that has not failed",
    () => `UPDATE dead_letters SET address = 's2' WHERE ${step(busy.failed, "s1")}`,
    ["letter-stale"],
  ],
  [
    "how many dead letters a task has",
    () => "UPDATE tallies SET n = 9 WHERE shelf LIKE 'dead:%'",
    ["count-list"],
  ],
  [
    "dead letters of no run",
    () => "INSERT INTO dead_letters (run, address, task, queue, reason) VALUES (999, 'a', 's1', '', 'error')",
    ["count-list", "orphan"],
  ],
  [
    "a run that goes on and that its dead letters are said to keep",
    () => `INSERT INTO shelves (shelf, at, run) VALUES ('lettered', 1, ${runNumber(busy.mapped)})`,
    ["run-mislisted"],
  ],
  [
    "a key that is held until the end of a run that is gone",
    () =>
      "INSERT INTO claims (scope, name, key, run, id, fingerprint, kept, first) VALUES ('singleton', 'a', '', 99999, 'x', 'f', 'end', 1)",
    ["orphan"],
  ],
  ["a scheduled run without its timer", () => "DELETE FROM timers WHERE address = ''", ["step-unplaced"]],
  [
    "a running step without its lease",
    () =>
      `UPDATE steps SET session = NULL WHERE ${step(busy.diamond, "c")}; DELETE FROM held WHERE ${step(busy.diamond, "c")}`,
    ["count-held", "step-unplaced", "count-queue"],
  ],
  [
    "a step of a session that is gone",
    () => `UPDATE steps SET session = 99999 WHERE ${step(busy.diamond, "c")}`,
    ["lease-dead", "hold-stale", "count-queue"],
  ],
  [
    "a step of a session that is over",
    () => `UPDATE sessions SET state = 'over' WHERE id = '${busy.session}'`,
    ["lease-dead", "orphan"],
  ],
  [
    "a lease that its session does not know",
    () => `DELETE FROM held WHERE ${step(busy.diamond, "c")}`,
    ["lease-unlisted", "count-queue"],
  ],
  [
    "a session that holds what does not name it",
    () =>
      `INSERT INTO held (session, run, address) SELECT seq, ${runNumber(busy.mapped)}, 'item[2]' FROM sessions WHERE id = '${busy.session}'`,
    ["hold-stale"],
  ],
  ["the members of a run", () => `UPDATE runs SET settled = 0 WHERE id = '${busy.diamond}'`, ["count-body"]],
  [
    "the members of a map",
    () => `UPDATE bodies SET settled = 2, failed = 1 WHERE ${step(busy.mapped, "item[]")}`,
    ["count-body"],
  ],
  ["the leases of a run", () => `UPDATE runs SET held = 7 WHERE id = '${busy.cancelling}'`, ["count-held"]],
  [
    "the counts by name",
    () => `UPDATE counts SET n = n + 3 WHERE run = ${runNumber(busy.mapped)} AND state = 'ready'`,
    ["count-name"],
  ],
  ["lost counts by name", () => `DELETE FROM counts WHERE run = ${runNumber(busy.mapped)}`, ["count-name"]],
  ["the running steps of a queue", () => "UPDATE queues SET running = 12", ["count-queue"]],
  ["the depth of a line", () => "UPDATE lines SET depth = 0", ["count-line"]],
  ["entries of a line that is gone", () => "INSERT INTO ready VALUES (999, 1, 1, 'x')", ["orphan"]],
  ["the lengths of shelves", () => "UPDATE tallies SET n = 50", ["count-list"]],
  ["the runs of a plan", () => "UPDATE plans SET runs = 0", ["count-list"]],
  [
    "an ended run that is not listed",
    () => `DELETE FROM shelves WHERE run = ${runNumber(busy.ended)}`,
    ["run-unlisted", "count-list"],
  ],
  [
    "an ended run with a time of its own that is not listed",
    () => `DELETE FROM shelves WHERE run = ${runNumber(busy.kept)}`,
    ["run-unlisted"],
  ],
  [
    "a purged run that is not listed",
    () => `DELETE FROM shelves WHERE run = ${runNumber(busy.purged)}`,
    ["run-unlisted"],
  ],
  [
    "a run that goes on and is listed",
    () => `INSERT INTO shelves VALUES ('succeeded', 1, ${runNumber(busy.mapped)})`,
    ["run-mislisted", "count-list"],
  ],
  ["a listed run that is gone", () => "INSERT INTO shelves VALUES ('kept', 1, 999999)", ["orphan"]],
  ...[
    "steps VALUES (999999, 'a', 'ready', 'run', NULL, 0, 0, 0, NULL, NULL, 1, 1, NULL, NULL, NULL, NULL, 0, 0, '[]', NULL, NULL, NULL)",
    "bodies VALUES (999999, 'a', 1, 1, 0, 0, 0, 'none')",
    "vals VALUES (999999, 'a', '1')",
    "attempts VALUES (999999, 'a', 1, 'error', 'w', 1, 2, NULL)",
    "counts VALUES (999999, 'a', 'ready', 1)",
    "lanes VALUES (999999, 0, 1, '{}')",
    "mail VALUES (999999, 1, 0)",
  ].map((row): Case => [`a row of nothing in ${row.split(" ")[0]}`, () => `INSERT INTO ${row}`, ["orphan"]]),
  [
    "mail about a run that goes on",
    () =>
      `INSERT INTO mail SELECT seq, ${runNumber(busy.diamond)}, 0 FROM sessions WHERE id = '${busy.session}'`,
    ["orphan"],
  ],
  [
    "a body without its step",
    () => `INSERT INTO bodies VALUES (${runNumber(busy.mapped)}, 'no', 1, 1, 0, 0, 0, 'none')`,
    ["orphan"],
  ],
];

/** A repair names these, and leaves them as they are. */
const named: readonly Case[] = [
  [
    "a step that should have been judged",
    () => `UPDATE steps SET marks = '[2,0,0,0]' WHERE ${step(busy.diamond, "d")}`,
    ["step-unjudged"],
  ],
  [
    "what a map counts by queue",
    () => `INSERT INTO vals VALUES (${runNumber(busy.mapped)}, 'item[]:spread', '[["a",1,0,0,0]]')`,
    ["count-spread"],
  ],
  [
    "a run of which nothing can move",
    () =>
      `DELETE FROM steps WHERE run = ${runNumber(busy.failed)}; UPDATE runs SET failed = 0 WHERE id = '${busy.failed}'`,
    ["run-stuck"],
  ],
  [
    "a plan that is gone",
    () => `DELETE FROM plans WHERE hash = (SELECT plan FROM runs WHERE id = '${busy.diamond}')`,
    ["plan-missing"],
  ],
  [
    "a step that cannot be read",
    () => `UPDATE steps SET spec = 'x' WHERE ${step(busy.mapped, "item[3]")}`,
    ["record-broken"],
  ],
];

const kinds = (found: readonly { readonly kind: string }[]) => [...new Set(found.map(({ kind }) => kind))];

describe("a check", () => {
  it.each(mendable)("finds and mends: %s", async (_, breaking, expected) => {
    raw.exec(breaking());
    const found = await checkAll(store);
    expect(kinds(found)).toEqual(expect.arrayContaining([...expected]));
    expect(found.every(({ repaired }) => !repaired)).toBe(true);
    expect(kinds(await checkAll(store))).toEqual(kinds(found));
    const repaired = await checkAll(store, { repair: true });
    expect(repaired.filter((each) => !each.repaired)).toEqual([]);
    expect(await checkAll(store)).toEqual([]);
    expect(await checkAll(store, { repair: true })).toEqual([]);
    expect(await busy.finish()).toEqual(busyEnds);
    expect(await checkAll(store)).toEqual([]);
  });

  it.each(named)("only names: %s", async (_, breaking, expected) => {
    raw.exec(breaking());
    expect(kinds(await checkAll(store))).toEqual(expect.arrayContaining([...expected]));
    await checkAll(store, { repair: true });
    const left = await checkAll(store, { repair: true });
    expect(kinds(left)).toEqual([...expected]);
    expect(left.every(({ repaired }) => !repaired)).toBe(true);
  });

  it("ends what should have ended", async () => {
    raw.exec(`UPDATE bodies SET members = 0 WHERE ${step(busy.mapped, "item[]")}`);
    raw.exec(`UPDATE runs SET members = 1 WHERE id = '${busy.diamond}'`);
    raw.exec(`UPDATE runs SET cancelling = 1 WHERE id = '${busy.failed}'`);
    expect(kinds(await checkAll(store)).sort()).toEqual(["run-open", "step-open"]);
    await checkAll(store, { repair: true });
    expect(await store.getRun(busy.diamond)).toMatchObject({ state: "succeeded" });
    expect(await store.getRun(busy.failed)).toMatchObject({ state: "cancelled" });
    expect(await store.getStep(busy.mapped, "item[]")).toMatchObject({ state: "succeeded" });
  });
});

it("finds and mends what nothing would move on that sticks to a worker", async () => {
  const plan = planOf("pair", [taskStep("a"), taskStep("b", { after: ["a"], stickyMs: 1_000 })]);
  await store.submit([submissionOf(plan)]);
  const parts = { serves: ["a", "b"], leaseMs: Number.POSITIVE_INFINITY };
  const one = await openDriver(store, { ...parts, worker: "one" });
  for (const grant of await one.take(1)) await one.succeed(grant);
  const before = kinds(await checkAll(store));
  raw.exec("UPDATE lines SET due = NULL");
  expect(kinds(await checkAll(store))).toEqual([...before, "line-closed"]);
  await checkAll(store, { repair: true });
  clock.advance(1_000);
  await store.promoteDue(10);
  expect(await (await openDriver(store, { ...parts, worker: "two" })).take(5)).not.toEqual([]);
});
