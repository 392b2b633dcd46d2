/**
 * What a key is for. Keys of different scopes, and of different dags and tasks, never meet.
 */
export type KeyScope = "idempotency" | "singleton" | "debounce" | "throttle";

/**
 * A submission's claim of a key: one run at a time holds it, and what becomes of a submission depends on whether another run does.
 *
 * A run holds its key so many milliseconds from its submission by the store's clock, whatever becomes of the run (`time`), until it has
 * ended (`end`), or as long as it is scheduled (`begin`).
 */
export interface KeyClaim {
  readonly scope: KeyScope;
  /** Of at most {@link MAX_KEY_CHARS} characters; empty stands for the dag or task as a whole. */
  readonly key: string;
  readonly until: "time" | "end" | "begin";
  /** How long the key is held; given with `time`. */
  readonly holdMs?: number | undefined;
  readonly ifHeld: IfHeld;
  /**
   * A run that is submitted with a delay, and replaces another, starts at most so long after the first of those that replaced each
   * other was submitted.
   */
  readonly maxMs?: number | undefined;
}

/**
 * What becomes of a submission whose key another run holds:
 *
 * - `existing`: that run is the answer.
 * - `same`: it is where its fingerprint is the same, else the submission is refused as `key-conflict`.
 * - `reject`: the submission is refused as `key-taken`.
 * - `replace`: a run of which no step was taken yet ends as cancelled, with the new run's id on record, in the transition that makes the
 *   new run; any other is the answer.
 */
export type IfHeld = "existing" | "same" | "reject" | "replace";

/** The key that a run was submitted with. */
export interface RunKey {
  readonly scope: KeyScope;
  readonly key: string;
  /** Until when it is held, where it is held for a time: milliseconds since 1970. */
  readonly untilMs?: number | undefined;
}

/** The longest key, in UTF-16 code units. */
export const MAX_KEY_CHARS = 512;

/** How long an idempotency key is held unless its submission says otherwise, in milliseconds. */
export const DEFAULT_KEY_TTL_MS = 24 * 60 * 60 * 1000;
