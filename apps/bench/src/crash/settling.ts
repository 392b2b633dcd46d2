import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord, Store } from "@jobbers/core";
import type { Violation } from "./evidence.js";

const POLL_MS = 100;

/**
 * Waits until every run has ended and nothing is held by processes that are gone.
 *
 * @param pids answers who is alive
 * @returns what had not come to rest when the time was over
 */
export async function settle(
  store: Store,
  pids: () => readonly number[],
  withinMs: number,
): Promise<Violation[]> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const restless = await restlessness(store, pids());
    if (restless.length === 0 || Date.now() > deadline)
      return restless.map((what) => ({
        class: "other",
        what: `${what}, ${withinMs / 1000} s after the last fault`,
      }));
    await sleep(POLL_MS);
  }
}

/** What has not come to rest yet. */
async function restlessness(store: Store, pids: readonly number[]): Promise<string[]> {
  const open = await Promise.all(
    (["running", "scheduled"] as const).map(async (state) => {
      const { runs } = await store.listRuns({ state, limit: 1 });
      return runs.map(({ id }) => `run ${id} is ${state}`);
    }),
  );
  const queues = await store.listQueues();
  const deep = queues.filter(({ ready, running }) => ready > 0 || running > 0);
  const dead = (await store.listWorkers()).filter(({ pid }) => !pids.includes(pid));
  return [
    ...open.flat(),
    ...deep.map(
      ({ name, ready, running }) => `queue ${name} counts ${ready} ready and ${running} running steps`,
    ),
    ...dead.map(
      ({ worker, session, pid, held }) =>
        `dead ${worker} (session ${session}, pid ${pid}) holds ${held} steps`,
    ),
  ];
}

/** What is left when every worker has drained. */
export async function leftovers(store: Store): Promise<Violation[]> {
  return (await restlessness(store, [])).map((what) => ({
    class: "other",
    what: `after the last drain, ${what}`,
  }));
}

/** Every run of the store, by id. */
export async function listAll(store: Store): Promise<ReadonlyMap<string, RunRecord>> {
  const all = new Map<string, RunRecord>();
  let cursor: string | undefined;
  do {
    const page = await store.listRuns({ limit: 200, cursor });
    for (const record of page.runs) all.set(record.id, record);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}
