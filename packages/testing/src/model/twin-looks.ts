import {
  isRunEvent,
  type Lease,
  type RunEventRecord,
  type RunRecord,
  type StepRecord,
  type Store,
} from "@jobbers/core";

const MANY = 10_000;

/** All that looking answers of some runs, in an order of its own: what two stores must agree on that were told the same story. */
export async function looksOf(store: Store, runs: readonly string[], sessions: readonly string[]) {
  const [queues, held, listed, events, ...seen] = await Promise.all([
    store.listQueues(),
    heldBy(store, sessions),
    store.listRuns({ limit: MANY }),
    feedOf(store),
    ...runs.map((run) => runOf(store, run, sessions)),
  ]);
  return {
    queues: queues.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    held,
    listed: listed.runs.map(({ id }) => id),
    events,
    runs: seen,
  };
}

async function runOf(store: Store, run: string, sessions: readonly string[]) {
  const record: RunRecord | undefined = await store.getRun(run);
  const { steps } = await store.listSteps(run, { limit: MANY });
  const counts = (await store.countSteps(run)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const details = await Promise.all(steps.map((step) => stepOf(store, step, sessions)));
  return { record, counts, steps: details, failure: await store.readValues(run, [":failure"]) };
}

async function stepOf(store: Store, step: StepRecord, sessions: readonly string[]) {
  const { run, address } = step;
  // Sessions have names of the store's own.
  const shown = (record: StepRecord | undefined) =>
    record && { ...record, session: record.session && sessions.indexOf(record.session) };
  return {
    step: shown(step),
    alone: shown(await store.getStep(run, address)),
    values: await store.readValues(run, [address, `${address}:failure`]),
    attempts: await store.listAttempts(run, address),
    where: await whereabouts(store, step),
  };
}

/** Where it is; the two stores call their sessions by other names. */
async function whereabouts(store: Store, { run, address }: StepRecord) {
  const { nowMs, step } = await store.whereIs(run, address);
  return { nowMs, step: step && { ...step, holder: step.holder && { ...step.holder, session: "" } } };
}

async function heldBy(store: Store, sessions: readonly string[]): Promise<string[][]> {
  const name = ({ run, address, fence }: Lease) => `${run} ${address} ${fence}`;
  return Promise.all(sessions.map(async (id) => (await store.listHeld(id)).map(name).sort()));
}

/**
 * What the feed says of each run: its beginning, its end, and what went wrong, one by one; and how many of its steps came to which end.
 * How many events tell this, and which of them mention that steps were taken, is a store's own affair.
 */
async function feedOf(
  store: Store,
): Promise<Record<string, { told: string[]; ends: Record<string, number> }>> {
  const runs: Record<string, { told: string[]; ends: Record<string, number> }> = {};
  for (let cursor = 0; ; ) {
    const page = await store.readEvents(cursor, 50);
    if (page.events.length === 0) return runs;
    cursor = page.cursor;
    for (const event of page.events) {
      if (!isRunEvent(event)) continue;
      const feed = runs[event.run] ?? { told: [], ends: {} };
      runs[event.run] = feed;
      if (event.type !== "steps") feed.told.push(`${event.type} ${event.step ?? ""} ${essenceOf(event)}`);
      for (const [state, n] of Object.entries(tallyOf(event))) feed.ends[state] = (feed.ends[state] ?? 0) + n;
    }
  }
}

function essenceOf({ type, detail, atMs }: RunEventRecord): string {
  return `${atMs} ${JSON.stringify(type === "run.ended" ? (detail as { state: string }).state : detail)}`;
}

function tallyOf({ type, detail }: RunEventRecord): Record<string, number> {
  const all = type === "steps" ? detail : type === "run.ended" ? (detail as { steps?: object }).steps : {};
  const { running: _, ...ends } = (all ?? {}) as Record<string, number>;
  return ends;
}
