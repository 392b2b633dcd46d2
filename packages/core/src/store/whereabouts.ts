import type { LimitUsage } from "./limits.js";
import type { QueueSettings } from "./queues.js";
import type { StepState } from "./states.js";
import type { Phase } from "./step-spec.js";

/**
 * Where a step is at this moment, as only the store can tell: in which line and at which place of it, in whose hands. Figures of
 * lines are about right, because lines keep entries that nobody waits behind any more until they are popped.
 */
export interface Whereabouts {
  /** The store's time, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Absent where the step has no record (yet), or its run has ended. */
  readonly step?: StepWhereabouts | undefined;
}

/** What there is to know of a step that has a record, in a run that goes on. */
export interface StepWhereabouts {
  readonly state: StepState;
  readonly phase: Phase;
  /** What a session has to serve in order to be handed it as it is now; "" where any will do. */
  readonly needs: string;
  /** For `expand`, `enter` and `advance`: where to go on. Of a map that is laid out, how many instances it has so far. */
  readonly cursor: number;
  readonly line?: LinePlace | undefined;
  readonly holder?: Holder | undefined;
  /** Of a ready step: the limits that it stands under, each with what it would cost. */
  readonly limits?: readonly LimitPlace[] | undefined;
}

/** A limit that a ready step stands under. */
export interface LimitPlace extends LimitUsage {
  readonly cost: number;
  /** True where it lets nothing through now. */
  readonly isShut: boolean;
}

/** The place of a step's entry in a line. */
export interface LinePlace {
  /** "" for control work, which has a line of its own. */
  readonly queue: string;
  readonly priority: number;
  /**
   * How many entries are popped before it: those before it in its line, and those in the queue's lines of higher priority. Of a weighted
   * queue only the former, since its priorities share what is taken.
   */
  readonly before: number;
  /** True when it stands too far from both ends to be counted: then `before` is the least. */
  readonly atLeast: boolean;
  /** How many entries the lines of its queue have in all. */
  readonly depth: number;
  /** How its queue is set, where it is. */
  readonly settings?: QueueSettings | undefined;
}

/** The session that holds a step's lease. */
export interface Holder {
  readonly session: string;
  readonly worker: string;
  /** When its lease is over if it is not renewed; absent where it is never, or is over already. */
  readonly expiresAtMs?: number | undefined;
  /** When a sweep first found it expired. */
  readonly suspectAtMs?: number | undefined;
  /** `closing` and `lost` while its steps are on their way back. */
  readonly state: "open" | "closing" | "lost";
}

/** How far from either end of a line an entry is looked for. */
export const LINE_LOOK_LIMIT = 5_000;
