import { type TaskContext, task } from "jobbers";
import { z } from "zod";
import { perform } from "../performing.js";

/** What every run is given: under whose key it stands, and about how long its handler takes. */
export interface LimitedLoad {
  readonly n: number;
  readonly key: string;
  readonly ms: number;
}

/** The keys that the runs are spread over. */
export const KEYS = ["ada", "ben", "cleo"] as const;

/** At most so many attempts at once for each key. */
export const AT_ONCE = 2;

/** At most so many starts for each key, evenly spaced but for the burst. */
export const PACE = { rate: 8, perMs: 1_000, burst: 2 } as const;

/** All workers have this role, which may run so many steps at once: fewer than the keys let through, and than the workers have slots. */
export const ROLE = "crew";
export const ROLE_AT_ONCE = 6;

const load = z.object({ n: z.number(), key: z.string(), ms: z.number() });
const key = (input: LimitedLoad) => input.key;
// Losses and aborts are to be the only reason why anything is tried again.
const common = { input: load, events: "each", retry: { attempts: 50, delay: 20 } } as const;

/** Runs under a number of slots for each key. */
export const slotted = task({
  ...common,
  name: "slotted",
  limits: [{ concurrency: AT_ONCE, key }],
  run: ({ n, ms }, ctx: TaskContext) => perform(ctx, ms, [], () => n),
});

/** Runs under a rate for each key. */
export const paced = task({
  ...common,
  name: "paced",
  limits: [{ rate: PACE.rate, per: `${PACE.perMs}ms`, burst: PACE.burst, key }],
  run: ({ n, ms }, ctx: TaskContext) => perform(ctx, ms, [], () => n),
});

export const limitedTasks = [slotted, paced] as const;
export type LimitedName = (typeof limitedTasks)[number]["name"];

/** The limits, as the store calls them. */
export const limitNames = ["slotted/concurrency", "paced/rate"] as const;
