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
  isFlying: boolean;
}

/**
 * Makes the place where single submits become batches. Nobody waits for company: what comes while nothing is under way goes at
 * once, and what comes meanwhile goes together as soon as that is back.
 */
export function createSubmits(submitter: Submitter, waitMs: number): Submits {
  const lanes = new WeakMap<Workflow, Lane>();
  let waiting = 0;

  const fly = async (workflow: Workflow, lane: Lane) => {
    lane.isFlying = true;
    while (lane.waiting.length > 0) {
      const batch = lane.waiting.splice(0, MAX_BATCH);
      const late = batch.filter((each) => performance.now() - each.sinceMs > waitMs);
      for (const each of late)
        each.resolve(refused(each.item, `the store did not take it within ${waitMs} ms`));
      const live = late.length === 0 ? batch : batch.filter((each) => !late.includes(each));
      try {
        const answers = await submitter.submit(
          workflow,
          live.map(({ item }) => item),
        );
        for (const [i, each] of live.entries()) each.resolve(answers[i] as Submitted);
      } catch (error) {
        for (const each of live) each.reject(error);
      }
      waiting -= batch.length;
    }
    lane.isFlying = false;
  };

  return {
    submit(workflow, item) {
      if (waiting >= MAX_WAITING)
        return Promise.resolve(refused(item, `${MAX_WAITING} submissions wait for the store already`));
      const lane = lanes.get(workflow) ?? { waiting: [], isFlying: false };
      lanes.set(workflow, lane);
      waiting++;
      return new Promise((resolve, reject) => {
        lane.waiting.push({ item, sinceMs: performance.now(), resolve, reject });
        if (!lane.isFlying) void fly(workflow, lane);
      });
    },
  };
}

/** Refuses what was never sent. An item without an id gets none: nothing of it is anywhere. */
function refused({ id }: SubmitItem, why: string): Submitted {
  return { id: id as string, status: "refused", error: new JobbersError("store-busy", why) };
}
