import type { JsonValue, Plan, Store } from "@jobbers/core";
import { createPlans, type Explanation, explain } from "@jobbers/runs";
import {
  createFakeClock,
  type Driver,
  type DriverOptions,
  type FakeClock,
  needsOf,
  openDriver,
  queuesOf,
  type SubmissionParts,
  submissionOf,
} from "@jobbers/testing";
import { afterEach, beforeEach } from "vitest";
import type { OpenStore } from "./both-stores.js";

/** What tests of explanations work with: a store of each test's own, on a clock that stands still. */
export interface Stage {
  readonly store: Store;
  readonly clock: FakeClock;
  submit(plan: Plan, input?: JsonValue, parts?: SubmissionParts): Promise<string>;
  /** A driver that serves all tasks and queues of a plan. */
  worker(plan: Plan, options?: DriverOptions): Promise<Driver>;
  why(run: string, step?: string): Promise<Explanation>;
}

/** Workers that are never silent for too long. */
export const forever = { leaseMs: Number.POSITIVE_INFINITY };

/** Opens a store before each test of a suite, and closes it afterwards. */
export function useStage(open: OpenStore): Stage {
  let store: Store;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = createFakeClock();
    store = await open(clock.now);
  });
  afterEach(() => store.close());
  return {
    get store() {
      return store;
    },
    get clock() {
      return clock;
    },
    async submit(plan, input, parts) {
      const submission = submissionOf(plan, input, parts);
      await store.submit([submission]);
      return submission.id;
    },
    worker: (plan, options) =>
      openDriver(store, { serves: needsOf(plan), queues: ["default", ...queuesOf(plan)], ...options }),
    why: (run, step) => explain({ store, plans: createPlans(store) }, run, step),
  };
}
