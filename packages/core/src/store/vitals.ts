import type { TaskDurations } from "./durations.js";
import type { Lease } from "./exchange.js";
import type { PackedProgress } from "./progress.js";

/** What a worker tells of itself along with a renewal. */
export interface Vitals {
  /** How late its main loop is, in milliseconds: whoever renews knows, also while that loop answers nothing. */
  readonly lagMs: number;
  /** What the main loop had to tell; absent where it is too busy for that. */
  readonly bulletin?: Bulletin | undefined;
}

/**
 * What a worker's main loop has to tell. Bulletins of a session are numbered from 1 on: one that is repeated, or overtaken by a newer
 * one, is applied no more.
 */
export interface Bulletin {
  readonly seq: number;
  /** How many handlers may run at a time, and how many do. */
  readonly slots: number;
  readonly running: number;
  /** How many slots the steps take that it has taken ahead, and that have not begun. */
  readonly waiting?: number | undefined;
  /** At most {@link BEATS_LIMIT}. */
  readonly beats: readonly Beat[];
  readonly durations: readonly TaskDurations[];
}

/** An attempt's newest sign of life. */
export interface Beat extends PackedProgress {
  readonly lease: Lease;
  /** How long ago it was given. */
  readonly agoMs: number;
  /** For how long `at` has been what it is. */
  readonly forMs: number;
}

/** The most beats of one bulletin. */
export const BEATS_LIMIT = 500;
