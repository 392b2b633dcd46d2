import { JobbersError, type RunRecord, type Store, type Workflow } from "@jobbers/core";
import { explain } from "./explain/explain.js";
import type { Feed } from "./feed.js";
import type { Plans } from "./plans.js";
import { retryFrom } from "./retry-from.js";
import { logPagesOf } from "./run-logs.js";
import { readProgress } from "./run-progress.js";
import { readItems, readResult, statusOf } from "./run-result.js";
import type { Run } from "./run-types.js";
import { eventsOf, untilEnded } from "./run-watch.js";

/** What a connection's runs share. */
export interface RunDeps {
  readonly store: Store;
  readonly feed: Feed;
  readonly plans: Plans;
}

const STEPS_PAGE = 500;

/** Makes the handle of a run; nothing is read before it is asked for. */
export function createRun<O>({ store, feed, plans }: RunDeps, id: string, workflow?: Workflow): Run<O> {
  const read = async () => checkRecord(await store.getRun(id), id, workflow);
  const watched = { id, feed, read };
  return {
    id,
    status: async () => statusOf(await read()),
    async result({ signal } = {}) {
      return (await readResult(store, plans, await untilEnded(watched, signal))) as O;
    },
    async *items({ signal } = {}) {
      yield* (await readItems(store, plans, await untilEnded(watched, signal))) as AsyncIterable<never>;
    },
    async cancel() {
      const { status } = await store.cancel(id);
      if (status === "unknown") throw unknownRun(id);
      return status;
    },
    retry: ({ from } = {}) => retryFrom({ store, plans }, id, { from }),
    async *steps({ states } = {}) {
      let after: string | undefined;
      do {
        const page = await store.listSteps(id, { after, limit: STEPS_PAGE, states });
        yield* page.steps;
        after = page.next;
      } while (after !== undefined);
    },
    async progress() {
      const record = await read();
      return readProgress(store, record, await plans.read(record.plan));
    },
    explain: (step) => explain({ store, plans }, id, step),
    async *logs({ step: address, ...options } = {}) {
      for await (const { lines } of logPagesOf({ ...watched, store }, { ...options, address })) yield* lines;
    },
    events: ({ signal } = {}) => eventsOf(watched, signal),
  };
}

function checkRecord(record: RunRecord | undefined, id: string, workflow: Workflow | undefined): RunRecord {
  if (!record) throw unknownRun(id);
  if (!workflow || workflow.name === record.name) return record;
  throw new JobbersError("run-conflict", `run ${id} is one of "${record.name}", not of "${workflow.name}"`);
}

function unknownRun(id: string): JobbersError {
  return new JobbersError("run-unknown", `there is no run ${id}`);
}
