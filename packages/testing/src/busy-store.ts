import type { Grant, JsonValue, Plan, Store } from "@jobbers/core";
import { type Driver, openDriver } from "./driver.js";
import { needsOf, type SubmissionParts, submissionOf } from "./factories.js";
import type { FakeClock } from "./fake-clock.js";
import { chain, diamond, mapped, single } from "./sample-plans.js";

/** A store in which something stands in every place that there is, for tests of checks and repairs. */
export interface BusyStore {
  /** c is held, d is blocked. Its input is so long that no store keeps the run in a short form. */
  readonly diamond: string;
  /** The same, of a run that a store may keep in a short form. */
  readonly short: string;
  /** Runs of one step: held; and in its line, behind all others. */
  readonly running: string;
  readonly waiting: string;
  /** item[] is expanding, item[0] held, item[1] waiting, item[2] and item[3] ready. */
  readonly mapped: string;
  /** s1 has failed, the advance of s2 is owed. */
  readonly failed: string;
  readonly scheduled: string;
  /** Held by the same session, which has mail about it. */
  readonly cancelling: string;
  readonly ended: string;
  /** Ended, with a time of its own. */
  readonly kept: string;
  /** Only its id is left. */
  readonly purged: string;
  readonly session: string;
  /** Lets everything go to its end; answers the states in which the runs ended. */
  finish(): Promise<Record<string, string | undefined>>;
}

const plans: readonly Plan[] = [diamond(), mapped(), chain(3), single()];
const HOUR_MS = 3_600_000;
const LONG = 2_000;
const forever = { ageMs: 1e12, count: 1_000_000 };

/** Makes a store busy. */
export async function makeBusy(store: Store, clock: FakeClock): Promise<BusyStore> {
  const serves = [...new Set(plans.flatMap(needsOf))];
  const worker = await openDriver(store, { serves, leaseMs: HOUR_MS });
  const submit = async (plan: Plan, input?: JsonValue, parts?: SubmissionParts) => {
    const submission = submissionOf(plan, input, parts);
    await store.submit([submission]);
    return submission.id;
  };
  const take = async () => (await worker.take())[0] as Grant;

  const [ended, kept, purged] = [
    await submit(single(), 1),
    await submit(single(), 2, { keepMs: 100 * HOUR_MS }),
    await submit(single(), 3, { keepMs: 0 }),
  ];
  await worker.finish();
  await store.purge({ succeeded: forever, failed: forever, cancelled: forever }, 500);

  const toTheLast = async (input?: JsonValue) => {
    const run = await submit(diamond(), input);
    await worker.succeed(await take());
    await worker.succeed(await take());
    return [run, await take()] as const;
  };
  const [short, shortC] = await toTheLast();
  const [diamondRun, c] = await toTheLast("x".repeat(LONG));
  const running = await submit(single(), 7);
  const runningA = await take();
  const waiting = await submit(single(), 8, { priority: 0 });
  const mappedRun = await submit(mapped(), { list: [0, 1, 2, 3] });
  const item = await take();
  await worker.retry(await take(), 60_000);
  const cancelling = await submit(single(), 4, { priority: 9 });
  const cancelled = await take();
  await store.cancel(cancelling);
  const failed = await submit(chain(3), 5, { priority: 9 });
  await worker.fail(await take());
  const scheduled = await submit(single(), 6, { delayMs: 60_000 });
  const beats = [c, shortC, runningA, item].map(({ lease }) => ({ lease, agoMs: 0, forMs: 0, rest: "{}" }));
  const bulletin = { seq: 1, slots: 10, running: 5, beats, durations: [{ task: "a", counts: { 4: 1 } }] };
  await store.renew(worker.session.id, { lagMs: 0, bulletin });

  return {
    diamond: diamondRun,
    short,
    running,
    waiting,
    mapped: mappedRun,
    failed,
    scheduled,
    cancelling,
    ended,
    kept,
    purged,
    session: worker.session.id,
    async finish() {
      for (const grant of [c, shortC, runningA, item, cancelled]) await worker.succeed(grant);
      await finishAll(store, clock, serves);
      const runs = {
        ...{ diamond: diamondRun, short, running, waiting },
        ...{ mapped: mappedRun, failed, scheduled, cancelling },
      };
      const states = Object.entries(runs).map(async ([name, id]) => [name, (await store.getRun(id))?.state]);
      return Object.fromEntries(await Promise.all(states)) as Record<string, string | undefined>;
    },
  };
}

/** What is waiting becomes due, and what was given back is taken. */
async function finishAll(store: Store, clock: FakeClock, serves: readonly string[]): Promise<Driver> {
  const worker = await openDriver(store, { serves, leaseMs: HOUR_MS });
  await worker.finish();
  clock.advance(120_000);
  await store.promoteDue(500);
  await worker.finish();
  return worker;
}

/** How the runs of a busy store end, whatever happens to them on the way. */
export const busyEnds = {
  diamond: "succeeded",
  short: "succeeded",
  running: "succeeded",
  waiting: "succeeded",
  mapped: "succeeded",
  failed: "failed",
  scheduled: "succeeded",
  cancelling: "cancelled",
} as const;
