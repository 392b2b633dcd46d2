import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EventRecord, Store } from "@jobbers/core";
import { checkAll, createRandom } from "@jobbers/testing";
import { hostIdentity } from "@jobbers/worker";
import { connect, type Jobbers, ulid } from "jobbers";
import { createCrew } from "../crew.js";
import { between, type Fault } from "../fault.js";
import { createInjector } from "../injector.js";
import type { WorkLine } from "../ledgers.js";
import { readLines } from "../line-file.js";
import { processFaults } from "../process-faults.js";
import { leftovers, settle } from "../settling.js";
import type { StoreUnderTest } from "../store-under-test.js";
import { recoveryMs, type Terms } from "../terms.js";
import { watchWork } from "../work-watch.js";
import { checkLimits, type LimitsVerdict } from "./check-limits.js";
import type { GivenBackLine } from "./given-back.js";
import { type LimitedRun, leasesOf } from "./leases.js";
import { AT_ONCE, KEYS, limitedTasks, limitNames, PACE, ROLE, ROLE_AT_ONCE } from "./limited-work.js";

/** What a run under limits is told. */
export interface LimitsRunOptions {
  readonly store: StoreUnderTest;
  readonly folder: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly workers: number;
  readonly everyMs: number;
  readonly terms: Terms;
  readonly settleMs: number;
  readonly tell: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What came of it. */
export interface LimitsReport extends Omit<LimitsVerdict, "violations"> {
  readonly violations: readonly string[];
  readonly runs: number;
  readonly succeeded: number;
  readonly leases: number;
  readonly faults: readonly Fault[];
}

/** What is done to workers; the rest is about what has no bearing on limits. */
const kinds = processFaults.filter(({ name }) => name === "kill" || name === "stop");

/** So many runs are always open, half of each task: all limits bind. */
const OPEN = 24;
const LOOK_MS = 100;
const PAGE = 1_000;

/**
 * Runs workers of one role on tasks with limits, kills and stops them at random, lets everything come to rest, and judges by the leases that
 * the store has accepted. However it ends, no process of its own is left.
 */
export async function limitsRun(options: LimitsRunOptions): Promise<LimitsReport> {
  const { store, folder, terms, seed } = options;
  const ledger = join(folder, "executed.jsonl");
  const jobbers = await connect(store.url);
  const hostOf = (name: string) => (name === "worker-1" ? hostIdentity() : `${hostIdentity()} ${name}`);
  const crew = createCrew({
    ...{ store: store.clientUrl, folder, ledger, terms, hostOf },
    program: "limits/worker-process.js",
  });
  const feed = readAlong(jobbers.store);
  const loads = new Map<string, LimitedRun>();
  try {
    await jobbers.roles.set(ROLE, { queues: { default: 1 }, concurrency: ROLE_AT_ONCE });
    const names = Array.from({ length: options.workers }, (_, i) => `worker-${i + 1}`);
    const random = createRandom(seed);
    await Promise.all(names.map((name) => crew.start(name)));
    const work = watchWork(ledger);
    const scene = { crew, work, terms, random, isShared: store.isShared };
    // Workers are killed until one had a slot.
    const isLost = ({ type, run }: EventRecord & { readonly run?: string }) =>
      type === "step.lost" && loads.get(run ?? "")?.task === "slotted";
    const provoking = kinds.map((kind) => ({ ...kind, hasProvoked: () => feed.events.some(isLost) }));
    const injector = createInjector(provoking, scene, options.everyMs);
    const [over, ended, enough] = [new AbortController(), new AbortController(), new AbortController()];
    const least = Math.max(20, Math.floor(options.durationMs / 100));
    const timers = [
      setTimeout(() => over.abort(), options.durationMs),
      setTimeout(() => ended.abort(), 2 * options.durationMs + 20_000),
    ];
    options.signal?.addEventListener("abort", () => ended.abort(), { once: true });
    const submitting = submitAlong(jobbers, loads, feed.ended, {
      ...{ random, longestMs: terms.longestMs, signal: enough.signal },
    });
    await injector.run({ over: over.signal, ended: ended.signal });
    // On a machine that is busy it takes longer until it proves anything.
    while (feed.succeeded() < least && !ended.signal.aborted) await sleep(LOOK_MS);
    enough.abort();
    timers.forEach(clearTimeout);
    await submitting;
    options.tell(`${loads.size} runs submitted, ${injector.faults.length} faults; settling`);

    const alive = () => crew.idle().map(({ pid }) => pid);
    const restless = await settle(jobbers.store, alive, options.settleMs);
    const events = await feed.finish();
    const violations = [
      ...restless.map(({ what }) => what),
      ...(feed.missed() ? ["a part of the feed was missed"] : []),
      ...(await slotsLeft(jobbers.store)),
    ];
    await crew.drain(terms.graceMs + recoveryMs(terms) + 15_000);
    violations.push(...(await leftovers(jobbers.store)).map(({ what }) => what), ...crew.troubles);
    for (const flaw of await checkAll(jobbers.store)) violations.push(`fsck: ${flaw.sentence}`);

    const { lines } = readLines<WorkLine | GivenBackLine>(ledger);
    const given = lines.filter((line): line is GivenBackLine => line.type === "given-back");
    const leases = leasesOf(events, given, loads);
    const verdict = checkLimits(leases, loads);
    const report = {
      ...{
        ...verdict,
        runs: loads.size,
        succeeded: feed.succeeded(),
        leases: leases.length,
        faults: injector.faults,
      },
    };
    return {
      ...report,
      violations: [...violations, ...verdict.violations, ...vacuous(report, least)],
    };
  } finally {
    crew.kill();
    feed.abandon();
    await jobbers.close();
  }
}

/** Reads the whole feed along. */
function readAlong(store: Store) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const events: EventRecord[] = [];
  let [cursor, ended, succeeded, missed] = [0, 0, 0, false];
  const readOn = async () => {
    const page = await store.readEvents(cursor, PAGE);
    missed ||= page.gap;
    cursor = page.cursor;
    events.push(...page.events);
    for (const { type } of page.events) {
      if (type === "run.ended") ended++;
      if (type === "step.succeeded") succeeded++;
    }
    return page.events.length;
  };
  const readAll = async () => {
    while (!signal.aborted) {
      try {
        if ((await readOn()) < PAGE) await store.awaitEvents(cursor, { timeoutMs: 500, signal });
      } catch {
        // A stopped process may keep others from the store.
        await sleep(LOOK_MS);
      }
    }
  };
  const over = readAll();
  return {
    events: events as readonly EventRecord[],
    ended: () => ended,
    succeeded: () => succeeded,
    missed: () => missed,
    /** Ends at once. */
    abandon: () => stopping.abort(),
    /** All events, when nothing comes any more. */
    async finish(): Promise<readonly EventRecord[]> {
      stopping.abort();
      await over;
      while ((await readOn()) > 0);
      return events;
    },
  };
}

interface Submitting {
  readonly random: () => number;
  readonly longestMs: number;
  readonly signal: AbortSignal;
}

/** Sees to it that so many runs are open, until the signal aborts. */
async function submitAlong(
  jobbers: Jobbers,
  loads: Map<string, LimitedRun>,
  ended: () => number,
  { random, longestMs, signal }: Submitting,
): Promise<void> {
  while (!signal.aborted) {
    const wanted = OPEN - (loads.size - ended());
    for (const task of limitedTasks) {
      const items = Array.from({ length: Math.max(0, Math.ceil(wanted / 2)) }, () => {
        const key = KEYS[between(random, 0, KEYS.length - 1)] as (typeof KEYS)[number];
        const ms = task.name === "paced" ? 5 : between(random, 0.1 * longestMs, 0.6 * longestMs);
        return { id: ulid(), input: { n: loads.size, key, ms } };
      });
      for (const { id, input } of items) loads.set(id, { ...input, task: task.name });
      if (items.length > 0) await jobbers.submitMany(task, items);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

/** Slots and places that are taken although nothing runs. */
async function slotsLeft(store: Store): Promise<string[]> {
  const left: string[] = [];
  for (const limit of limitNames)
    for (const key of KEYS) {
      const { used, parked } = await store.readLimit(limit, key);
      if (used + parked > 0)
        left.push(`${limit} of ${key} has ${used} slots and ${parked} lines left when all has ended`);
    }
  const { running } = await store.readRoleUsage(ROLE);
  if (running > 0) left.push(`role ${ROLE} is said to run ${running} steps when all has ended`);
  return left;
}

/** A run in which too little happened proves nothing. */
function vacuous(report: Omit<LimitsReport, "violations">, least: number): string[] {
  const idle: string[] = [];
  if (report.succeeded < least) idle.push(`only ${report.succeeded} steps succeeded; ${least} is the least`);
  for (const { name } of kinds)
    if (!report.faults.some(({ kind }) => kind === name)) idle.push(`no fault "${name}" was injected`);
  if (report.lost === 0) idle.push("no worker held a step with a slot when it was killed or stopped");
  if (report.mostOfKey < AT_ONCE) idle.push(`no key had more than ${report.mostOfKey} at once`);
  if (report.mostOfRole < ROLE_AT_ONCE) idle.push(`the role never ran more than ${report.mostOfRole}`);
  if (report.mostStarts < PACE.rate / 2)
    idle.push(`no key started more than ${report.mostStarts} within ${PACE.perMs} ms`);
  return idle.map((what) => `vacuous: ${what}`);
}
