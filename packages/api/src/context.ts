import type { Store } from "@jobbers/core";
import type { Feed, Plans, Submitter } from "@jobbers/runs";
import type { ApiLimits } from "./api.js";
import type { Registrations } from "./registrations.js";
import type { Submits } from "./submits.js";

/** What every route has at hand. */
export interface ApiContext {
  /** The store, each call of which ends in time. */
  readonly store: Store;
  readonly feed: Feed;
  readonly plans: Plans;
  readonly submitter: Submitter;
  readonly submits: Submits;
  readonly registrations: Registrations;
  readonly limits: ApiLimits;
  /** Aborts when the API is closed. */
  readonly closing: AbortSignal;
  /** Told of every error that is none of Jobbers' own. */
  readonly onFault: (error: unknown) => void;
}
