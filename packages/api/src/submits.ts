import { JobbersError, type Workflow } from "@jobbers/core";
import type { SubmitItem, Submitted, Submitter } from "@jobbers/runs";

/** Puts together what arrives together. */
export interface Submits {
  /** Answers what became of the item: refused with `store-busy` when that is not known in time. */
  submit(workflow: Workflow, item: SubmitItem): Promise<Submitted>;
}

/** How many items are sent at a time, and how many may wait in all. */
const MAX_BATCH = 500;
const MAX_WAITING = 20_000;

interface Waiting {
  readonly item: SubmitItem;
  readonly sinceMs: number;
  readonly resolve: (answer: Submitted) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  waiting: Waiting[];
  /** How many batches are under way, or about to be. */
  flying: number;
}

/** How batches are sent. */
export interface SubmitsPace {
  /** How many batches of one workflow may be under way: as many as keep the store busy while answers are written. */
  readonly flights: number;
  /** How long an item may wait before it is refused instead of sent. */
  readonly waitMs: number;
}

/**
 * Makes the place where single submits become batches. Nobody waits for company but what has arrived in the same turn of the event
 * loop: what comes while no more may be under way goes together as soon as a batch is back.
 */
export function createSubmits(submitter: Submitter, { flights, waitMs }: SubmitsPace): Submits {
  const lanes = new WeakMap<Workflow, Lane>();
  let waiting = 0;

  const fly = async (workflow: Workflow, lane: Lane) => {
    while (lane.waiting.length > 0) {
      const batch = lane.waiting.splice(0, MAX_BATCH);
      waiting -= batch.length;
      const since = performance.now() - waitMs;
      const late = batch.filter((each) => each.sinceMs < since);
      for (const each of late)
        each.resolve(refused(each.item, `the store did not take it within ${waitMs} ms`));
      const live = late.length === 0 ? batch : batch.filter((each) => each.sinceMs >= since);
      if (live.length === 0) continue;
      try {
        const answers = await submitter.submit(
          workflow,
          live.map(({ item }) => item),
        );
        for (const [i, each] of live.entries()) each.resolve(answers[i] as Submitted);
      } catch (error) {
        for (const each of live) each.reject(error);
      }
    }
    lane.flying--;
  };

  return {
    submit(workflow, item) {
      if (waiting >= MAX_WAITING)
        return Promise.resolve(refused(item, `${MAX_WAITING} submissions wait for the store already`));
      let lane = lanes.get(workflow);
      if (lane === undefined) {
        lane = { waiting: [], flying: 0 };
        lanes.set(workflow, lane);
      }
      waiting++;
      const { waiting: queue } = lane;
      if (lane.flying < flights && queue.length === 0) {
        lane.flying++;
        setImmediate(fly, workflow, lane);
      }
      return new Promise((resolve, reject) => {
        queue.push({ item, sinceMs: performance.now(), resolve, reject });
      });
    },
  };
}

/** Refuses what was never sent. An item without an id gets none: nothing of it is anywhere. */
function refused({ id }: SubmitItem, why: string): Submitted {
  return { id: id as string, status: "refused", error: new JobbersError("store-busy", why) };
}
