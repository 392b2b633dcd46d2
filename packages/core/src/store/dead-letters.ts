import { JobbersError } from "../errors/errors.js";
import type { StepAddress } from "../plan/address.js";
import { quoted } from "../values/quoted.js";
import { readCursor } from "./listing.js";
import type { StepReason } from "./states.js";

/**
 * A task step that failed for good, kept until somebody has seen to it: its tries are spent, or another would not help, and nobody
 * rescues the failure. It is written by the transition that makes the failure definite: the one that settles the step or, where
 * siblings catch it, the one that settles the first of them that does not succeed. It is gone when its step runs again, when somebody
 * purges it, when its own retention is over, and with its run.
 */
export interface DeadLetterRecord {
  readonly run: string;
  readonly step: StepAddress;
  /** The workflow of its run, and the hash of that run's plan. */
  readonly workflow: string;
  readonly version: string;
  readonly task: string;
  readonly queue: string;
  readonly reason: StepReason;
  /** JSON text of the last error. */
  readonly error?: string | undefined;
  /** Tries spent on failures, and attempts lost with their workers. */
  readonly tries: number;
  readonly lost: number;
  readonly diedAtMs: number;
  /** True when its input was edited by an earlier redrive: see `valueKey.edited`. */
  readonly edited: boolean;
}

/** Which dead letters are meant. What is left out does not matter; all that is given has to be so. */
export interface DeadLetterFilter {
  readonly run?: string | undefined;
  readonly workflow?: string | undefined;
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly reason?: StepReason | undefined;
  /** Dead since this instant or later, by the store's time. */
  readonly diedAfterMs?: number | undefined;
  /** Dead before this instant. */
  readonly diedBeforeMs?: number | undefined;
}

export interface DeadLetterQuery extends DeadLetterFilter {
  readonly limit: number;
  /** The last page's `next`. */
  readonly cursor?: string | undefined;
}

/** Which dead letter is meant. */
export interface DeadLetterRef {
  readonly run: string;
  readonly step: StepAddress;
}

/** How many dead letters of a task there are. */
export interface DeadLetterCount {
  readonly task: string;
  readonly letters: number;
}

/** The most dead letters that one call purges. */
export const PURGE_LIMIT = 500;

/**
 * Dead letters are numbered in the order in which they came, and by time: a thousand numbers a millisecond. So a span of time is
 * a span of numbers.
 */
export const NUMBERS_PER_MS = 1_000;

/** When the dead letter of a number came, in milliseconds since 1970. */
export function diedAtMsOf(number: number): number {
  return Math.floor(number / NUMBERS_PER_MS);
}

/** The numbers from `floor` up to, not including, `before`, in which a query looks. */
export interface LetterSpan {
  readonly floor: number;
  readonly before: number;
}

/**
 * Checks a query before a store is asked, and says among which numbers it looks.
 *
 * @param store a letter for the kind of store, with which its cursors begin
 * @throws JobbersError `cursor-invalid` for a cursor that is none of such a store's, `flag-invalid` for a wrong limit or instant
 * @example
 * letterSpan({ limit: 50, diedAfterMs: 5 }, "s"); // { floor: 5000, before: Number.MAX_SAFE_INTEGER }
 */
export function letterSpan(query: DeadLetterQuery, store: string): LetterSpan {
  const { limit, cursor, diedAfterMs, diedBeforeMs } = query;
  if (!Number.isSafeInteger(limit) || limit < 1) throw wrong("limit", limit, "a whole number of at least 1");
  for (const [what, instant] of Object.entries({ diedAfterMs, diedBeforeMs })) {
    if (instant !== undefined && !Number.isFinite(instant))
      throw wrong(what, instant, "milliseconds since 1970");
  }
  const end = firstNumber(diedBeforeMs) ?? Number.MAX_SAFE_INTEGER;
  const below = cursor === undefined ? end : readCursor(cursor, store);
  return { floor: firstNumber(diedAfterMs) ?? 0, before: Math.min(end, below) };
}

/** The first number that belongs to an instant. */
function firstNumber(ms: number | undefined): number | undefined {
  if (ms === undefined) return undefined;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.ceil(ms) * NUMBERS_PER_MS));
}

function wrong(what: string, value: unknown, form: string): JobbersError {
  return new JobbersError(
    "flag-invalid",
    `a list of dead letters has the ${what} ${quoted(value)}; it takes ${form}`,
  );
}
