import {
  type Exchange,
  type Grant,
  indexPlan,
  mayRerun,
  type Plan,
  type Report,
  rerunOf,
  type Store,
  type Submission,
} from "@jobbers/core";
import fc from "fast-check";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import type { OpenStore } from "../contract/bench.js";
import { type Driver, openDriver } from "../driver.js";
import { newRunId, submissionOf } from "../factories.js";
import { createFakeClock, type FakeClock } from "../fake-clock.js";
import type { ModelOptions } from "./index.js";
import { RANDOM_INPUT } from "./random-plans.js";
import { storySettings } from "./story-settings.js";
import { looksOf } from "./twin-looks.js";
import { type Act, QUEUES, stories, TASKS, type Telling } from "./twin-story.js";
import { pick } from "./world.js";

interface Holding {
  readonly grant: Grant;
  readonly driver: Driver;
}

/** One of the two stores, and what its workers have in their hands. */
interface Twin {
  readonly store: Store;
  readonly pad: string;
  /** How many bulletins there were, of all sessions. */
  bulletins: number;
  readonly submissions: Submission[];
  readonly drivers: Driver[];
  held: Holding[];
  late: Holding[];
}

const WORKERS = [
  { serves: TASKS, queues: QUEUES },
  { serves: ["t"], queues: QUEUES },
  { serves: TASKS, queues: ["default"] },
] as const;

const openWorker = (store: Store, worker: number): Promise<Driver> =>
  openDriver(store, { ...WORKERS[worker], worker: `w;${worker}`, leaseMs: Number.POSITIVE_INFINITY });

/**
 * Tells the same random story to two stores, of which one is given inputs that are too long to be kept in any short form, and
 * compares all that looking answers after each act. So a store that keeps runs in several forms keeps the same in each of them.
 *
 * @example
 * test("short runs are kept as long ones are", () => twinTest(open, { runs: 100 }), 60_000);
 */
export async function twinTest(open: OpenStore, options: ModelOptions = {}): Promise<void> {
  const { commands = 40 } = options;
  const property = fc.asyncProperty(
    stories(commands),
    fc.constantFrom("", "é😀", "x".repeat(600)),
    async (story, short) => {
      const clock = createFakeClock();
      const twins = [
        await openTwin(open, clock, short),
        await openTwin(open, clock, "x".repeat(1_100)),
      ] as const;
      try {
        for (const act of story) await actOut(twins, clock, act);
        for (const { store } of twins) expect(await checkAll(store)).toEqual([]);
      } finally {
        for (const { store } of twins) await store.close();
      }
    },
  );
  await fc.assert(property, storySettings(options));
}

/** What a story's test may be given. */
export interface StoryOptions extends ModelOptions {
  /** Looks at the runs so far after each act; what it throws fails the story. */
  readonly watch: (store: Store, runs: readonly string[]) => Promise<void>;
}

/**
 * Tells random stories to a store, and has somebody look on after each act.
 *
 * @example
 * test("whatever happens can be explained", () => storyTest(open, { runs: 20, watch }), 60_000);
 */
export async function storyTest(open: OpenStore, options: StoryOptions): Promise<void> {
  const { commands = 40, watch } = options;
  // A long one is kept in another form than a short one by stores that have several.
  const pads = fc.constantFrom("", "x".repeat(1_100));
  const property = fc.asyncProperty(stories(commands), pads, async (story, pad) => {
    const clock = createFakeClock();
    const twin = await openTwin(open, clock, pad);
    try {
      for (const act of story) {
        const ids = begin(clock, act);
        await perform(twin, act, ids);
        await watch(twin.store, idsOf(twin.submissions));
      }
    } finally {
      await twin.store.close();
    }
  });
  await fc.assert(property, storySettings(options));
}

/** Lets its time pass, and makes the ids of the runs that it submits. */
function begin(clock: FakeClock, act: Act): string[] {
  clock.advance(act.do === "pass" ? act.ms : 1);
  return act.do === "submit" ? act.plans.map(newRunId) : [];
}

async function openTwin(open: OpenStore, clock: FakeClock, pad: string): Promise<Twin> {
  const store = await open({ clock });
  const drivers = await Promise.all(WORKERS.map((_, worker) => openWorker(store, worker)));
  return { store, pad, bulletins: 0, submissions: [], drivers, held: [], late: [] };
}

/** Does one thing to both; what they answer, and what they show then, has to be the same. */
async function actOut(twins: readonly [Twin, Twin], clock: FakeClock, act: Act): Promise<void> {
  const ids = begin(clock, act);
  const [one, other] = [await perform(twins[0], act, ids), await perform(twins[1], act, ids)];
  expect(one).toEqual(other);
  const [mine, its] = [await lookAt(twins[0]), await lookAt(twins[1])];
  expect(mine).toEqual(its);
}

function lookAt({ store, submissions, drivers }: Twin) {
  return looksOf(
    store,
    idsOf(submissions),
    drivers.map(({ session }) => session.id),
  );
}

/** Reruns a run from one of the steps that it has reached, whatever became of that. */
async function rerun(store: Store, { id, plan }: Submission, which: number): Promise<unknown> {
  const text = await store.getPlan(plan);
  const { steps } = await store.listSteps(id, { limit: 500 });
  if (text === undefined) return undefined;
  const index = indexPlan(JSON.parse(text) as Plan);
  const step = pick(
    steps.filter(({ name }) => mayRerun(index, index.step(name))),
    which,
  );
  if (!step) return undefined;
  return store.retry(id, { only: { rerun: rerunOf(index, index.step(step.name), step.fence) } });
}

const idsOf = (submissions: readonly Submission[]) => [...new Set(submissions.map(({ id }) => id))];

async function perform(twin: Twin, act: Act, ids: readonly string[]): Promise<unknown> {
  const { store, submissions, drivers } = twin;
  const worker = "worker" in act ? act.worker % drivers.length : 0;
  const driver = drivers[worker] as Driver;
  switch (act.do) {
    case "submit": {
      const extras = act.extras ? { tags: ["é", "b,c"], traceparent: "00-1-2,03" } : {};
      const input = { ...RANDOM_INPUT, pad: twin.pad };
      const made = act.plans.map((plan, i) =>
        submissionOf(plan, input, { id: ids[i] as string, priority: act.priority, ...extras }),
      );
      submissions.push(...made);
      return store.submit(made);
    }
    case "resubmit": {
      const again = pick(submissions, act.at);
      return again && store.submit([again, { ...again, fingerprint: "other" }]);
    }
    case "cancel":
      return submissions.length > 0 && store.cancel((pick(submissions, act.at) as Submission).id);
    case "retry":
      return submissions.length > 0 && store.retry((pick(submissions, act.at) as Submission).id);
    case "rerun":
      return submissions.length > 0 && rerun(store, pick(submissions, act.at) as Submission, act.which);
    case "work":
      return work(twin, driver, act.tells, { slots: act.slots, inline: act.inline });
    case "control":
      return control(driver, act.most);
    case "late":
      return late(twin, act.tell);
    case "replay":
      return driver.lastReply && byLease((await driver.replay()).grants);
    case "release": {
      const [held] = takeOut(twin, driver, [act.at]);
      return held && store.release(driver.session.id, [held.grant.lease]);
    }
    case "beat":
      return beat(twin, driver, act.at, act.says);
    case "lose":
    case "close":
      return leave(twin, worker, act.do);
    case "pass":
      return store.promoteDue(100);
    case "purge": {
      // How many calls it takes goes by how many rows a run has.
      const rule = { ageMs: 1e12, count: act.count };
      for (let total = 0; ; ) {
        const { purged, more } = await store.purge({ succeeded: rule, failed: rule, cancelled: rule }, 500);
        total += purged;
        if (!more) return total;
      }
    }
  }
}

/** What a driver has in its hands at some places, which it lets go. */
function takeOut(twin: Twin, driver: Driver, places: readonly number[]): Holding[] {
  return places.flatMap((at) => {
    const own = twin.held.filter((each) => each.driver === driver && each.grant.phase === "run");
    const holding = pick(own, at);
    twin.held = twin.held.filter((each) => each !== holding);
    return holding ? [holding] : [];
  });
}

async function work(
  twin: Twin,
  driver: Driver,
  tells: readonly Telling[],
  wants: Partial<Exchange["wants"]>,
) {
  const found = takeOut(
    twin,
    driver,
    tells.map(({ at }) => at),
  );
  const reports: Report[] = [];
  for (const [i, holding] of found.entries()) reports.push(await reportOf(holding, tells[i] as Telling));
  const { results, grants, mail, more } = await driver.exchange(reports, wants);
  // What a worker has in its hands it can finish, though the run and its plan be purged.
  for (const grant of grants) await driver.work.planOf(grant);
  twin.held.push(...grants.map((grant) => ({ grant, driver })));
  return { results, grants: shown(grants), mail: mail.toSorted((a, b) => (a.run < b.run ? -1 : 1)), more };
}

/** Tells of a step that this worker took, or lost, or that is another's. */
async function beat(twin: Twin, driver: Driver, at: number, says: string) {
  const holding = pick([...twin.held, ...twin.late], at);
  if (!holding) return undefined;
  const { lease } = holding.grant;
  const said = { lease, agoMs: 1, forMs: 2, rest: '{"done":1}', ...(says !== "" && { at: says }) };
  const bulletin = { seq: ++twin.bulletins, slots: 9, running: 1, beats: [said], durations: [] };
  const { status, held, stale } = await twin.store.renew(driver.session.id, { lagMs: 0, bulletin });
  return { status, held, stale };
}

async function control(driver: Driver, most: number) {
  const told = [];
  for (const grant of await driver.takeControl(most)) told.push(shown([grant]), await driver.control(grant));
  return told;
}

async function late(twin: Twin, tell: Telling) {
  const holding = pick(twin.late, tell.at);
  return holding && (await holding.driver.exchange([await reportOf(holding, tell)])).results;
}

async function leave(twin: Twin, worker: number, how: "lose" | "close"): Promise<void> {
  const gone = twin.drivers[worker] as Driver;
  const { id } = gone.session;
  if (how === "close") await twin.store.closeSession(id);
  else await twin.store.reapSessions({ sweepMs: 1, limit: 500, gone: [id] });
  twin.drivers[worker] = await openWorker(twin.store, worker);
  twin.late.push(...twin.held.filter(({ driver }) => driver === gone));
  twin.held = twin.held.filter(({ driver }) => driver !== gone);
}

async function reportOf({ grant, driver }: Holding, { how, output }: Telling): Promise<Report> {
  const { lease } = grant;
  if (how === "succeed") return { ...(await driver.success(grant)), output } as Report;
  if (how === "fail") return driver.failure(grant);
  if (how === "release") return { type: "released", lease, first: lease.fence % 2 === 1 };
  return { type: "retry", lease, error: "{}", reason: "error", delayMs: 1_000 };
}

/** What is repeated are the same steps, in whatever order. */
const byLease = (grants: readonly Grant[]) =>
  shown(grants).toSorted((a, b) => (JSON.stringify(a.lease) < JSON.stringify(b.lease) ? -1 : 1));

/** Grants, but for the input, which is what differs. */
const shown = (grants: readonly Grant[]) =>
  grants.map(({ values: { ":input": _, ...values }, ...rest }) => ({ ...rest, values }));
