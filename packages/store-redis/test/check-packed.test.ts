import { checkAll, samplePlans, submissionOf } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { US } from "../src/text.js";
import { type Case, CheckBench, P } from "./check-bench.js";

const at = new CheckBench();

/** A run of three steps, one after the other. */
const ready = submissionOf(samplePlans.chain(3));

/** A repair mends these, and every run still comes to its own end. */
const mendable: readonly Case[] = [
  ["a single without its entry", () => at.dropEntry(at.busy.waiting, "a"), ["step-unplaced"]],
  [
    "a ready step of a packed run without its entry",
    async () => {
      await at.store.submit([ready]);
      await at.dropEntry(ready.id, "s1");
    },
    ["step-unplaced"],
  ],
  [
    "a lease of a single that its session does not know",
    () => at.raw.srem(at.held, at.busy.running),
    ["lease-unlisted"],
  ],
  [
    "one with another step",
    () => at.swapHeld(at.busy.running, `${at.busy.running}|b|1`),
    ["lease-unlisted", "hold-stale"],
  ],
  ["a lease of a packed run", () => at.raw.srem(at.held, `${at.busy.short}|c|1`), ["lease-unlisted"]],
  [
    "a single that is listed as others are",
    () => at.swapHeld(at.busy.running, `${at.busy.running}|a|1`),
    ["lease-unlisted", "hold-stale"],
  ],
  [
    "a step that is listed as a single's",
    () => at.swapHeld(`${at.busy.short}|c|1`, at.busy.short),
    ["lease-unlisted", "hold-stale"],
  ],
  [
    "the lease of a packed run with another fence",
    () => at.swapHeld(`${at.busy.short}|c|1`, `${at.busy.short}|c|2`),
    ["lease-unlisted", "hold-stale"],
  ],
  ["a single that waits and is held", () => at.raw.sadd(at.held, at.busy.waiting), ["hold-stale"]],
  [
    "a single of a session that is gone",
    () => at.rewrite(at.busy.running, (text) => text.replace(/^(w.{8})[^,]*/, "$1nobody"), "progress"),
    ["lease-dead", "hold-stale", "count-queue"],
  ],
  [
    "a packed step of a session that is gone",
    () => at.rewrite(at.busy.short, (text) => text.replace(/xc,[^,]*/, "xc,nobody"), "progress"),
    ["lease-dead", "hold-stale", "count-queue"],
  ],
  [
    "the members of a packed run",
    () => at.rewrite(at.busy.short, (text) => text.replace(/^(r.{8})2/, "$11"), "progress"),
    ["count-body"],
  ],
  ["an ended packed run that is not listed", () => at.dropListed("ended:s", at.busy.ended), ["run-unlisted"]],
  [
    "a packed run that goes on and is listed",
    () => at.raw.rpush(`${P}ended:s`, `1|${at.busy.short}`),
    ["run-mislisted"],
  ],
  [
    "a running single that is said to wait",
    () => at.raw.hdel(`${P}progress`, at.busy.running),
    ["step-unplaced", "hold-stale", "count-queue"],
  ],
  ["the progress of no run", () => at.copyProgress("01NONE"), ["orphan"]],
  ["progress beside a run with a key of its own", () => at.copyProgress(at.busy.diamond), ["orphan"]],
  ["parts beside a packed run", () => at.raw.hset(`${P}more:${at.busy.running}`, "=a", "1"), ["orphan"]],
  [
    "the rest of a key of a packed run",
    () => at.raw.hset(`${P}run:${at.busy.running}`, "@a", "1"),
    ["orphan"],
  ],
  [
    "a packed record of a run with a key of its own",
    async () =>
      at.raw.hset(`${P}packed`, at.busy.diamond, (await at.raw.hget(`${P}packed`, at.busy.short)) as string),
    ["orphan"],
  ],
  [
    "a kind that its plan does not list",
    async () => at.raw.hdel(await at.planKey(at.busy.waiting), "kinds"),
    ["kind-unlisted"],
  ],
  [
    "a kind whose plan is gone",
    async () =>
      at.raw.hset(
        `${P}kinds`,
        "aaaaaaaa",
        `nothing${US}d${US}s${US}5${US}1${US}0${US}64${US}0${US}a${US}single`,
      ),
    ["orphan"],
  ],
];

/** A repair names these, and leaves them as they are. */
const named: readonly Case[] = [
  [
    "the plan of a packed run",
    async () => at.raw.hdel(await at.planKey(at.busy.waiting), "text"),
    ["plan-missing"],
  ],
  [
    "the specs of a packed run's plan",
    async () => at.raw.hdel(await at.planKey(at.busy.short), "$c"),
    ["record-broken"],
  ],
  [
    "a kind that is gone",
    async () => at.raw.hdel(`${P}kinds`, await at.kindOf(at.busy.short)),
    ["record-broken"],
  ],
  ["a kind that cannot be read", () => at.raw.hset(`${P}kinds`, "aaaaaaaa", "nonsense"), ["record-broken"]],
  ["a packed record", () => at.raw.hset(`${P}packed`, at.busy.short, "nonsense"), ["record-broken"]],
  [
    "the record of a single",
    () => at.raw.hset(`${P}packed`, at.busy.running, "qnonsense"),
    ["record-broken"],
  ],
  [
    "the progress of a single",
    () => at.raw.hset(`${P}progress`, at.busy.running, "wnonsense"),
    ["record-broken"],
  ],
  [
    "the progress of a single that has another kind",
    () => at.rewrite(at.busy.running, (text) => text.replace(/^w.{8}/, "waaaaaaaa"), "progress"),
    ["record-broken"],
  ],
  [
    "the progress of a single that ended at no time",
    () => at.rewrite(at.busy.running, (text) => text.replace(/^w(.{8})[^,]*/, "d$1"), "progress"),
    ["record-broken"],
  ],
  [
    "a single's progress beside a packed run of several steps",
    () => at.copyProgress(at.busy.short),
    ["record-broken"],
  ],
  [
    "the progress of a packed run that has another kind",
    () => at.rewrite(at.busy.short, (text) => text.replace(/^r.{8}/, "raaaaaaaa"), "progress"),
    ["record-broken"],
  ],
  [
    "a step of a packed run that nobody made ready",
    () => at.rewrite(at.busy.short, (text) => text.replace(/xc,[^,]*,[^,]*,[^,]*/, "rc,9:0"), "progress"),
    ["record-broken"],
  ],
  ["a packed run that no listing shows", () => at.raw.lset(`${P}runs:0`, 3, "01NONE"), ["run-unnumbered"]],
];

describe("a check of packed runs", () => {
  it.each(mendable)("finds and mends: %s", (_, breaking, expected) => at.mends(breaking, expected));

  it.each(named)("only names: %s", (_, breaking, expected) => at.names(breaking, expected));

  it("writes nothing where it does not repair", async () => {
    for (const [, breaking] of [...mendable, ...named]) await breaking().catch(() => undefined);
    const before = await at.changes();
    expect(await checkAll(at.store)).not.toEqual([]);
    expect(await at.changes()).toBe(before);
  });
});
