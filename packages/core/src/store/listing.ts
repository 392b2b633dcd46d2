import { JobbersError } from "../errors/errors.js";
import { quoted } from "../values/quoted.js";
import type { RunState } from "./states.js";

/** Which runs are listed. What is left out does not matter; all that is given has to be so. */
export interface RunQuery {
  readonly state?: RunState | undefined;
  readonly name?: string | undefined;
  readonly tag?: string | undefined;
  /** Submitted at this instant or after it, by the store's time. */
  readonly createdAfterMs?: number | undefined;
  /** Submitted before this instant. */
  readonly createdBeforeMs?: number | undefined;
  readonly limit: number;
  /** The last page's `next`. */
  readonly cursor?: string | undefined;
}

/** How many records one call of `listRuns` examines, however few of them match. */
export const EXAMINED_LIMIT = 5_000;

/** A query as stores go by it. */
export interface CheckedRunQuery extends Omit<RunQuery, "cursor"> {
  /** The place below which the list goes on; absent: from its beginning. */
  readonly below?: number | undefined;
}

/**
 * Checks a query before a store is asked.
 *
 * @param store a letter for the kind of store, with which its cursors begin
 * @throws JobbersError `cursor-invalid` for a cursor that is none of such a store's, `flag-invalid` for a wrong limit or instant
 * @example
 * checkRunQuery({ limit: 50, cursor: "s1000" }, "s"); // { limit: 50, below: 1000 }
 */
export function checkRunQuery({ cursor, ...query }: RunQuery, store: string): CheckedRunQuery {
  const { limit, createdAfterMs, createdBeforeMs } = query;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw wrong("limit", limit, "a whole number of at least 1");
  }
  for (const [what, instant] of Object.entries({ createdAfterMs, createdBeforeMs })) {
    if (instant !== undefined && !Number.isFinite(instant))
      throw wrong(what, instant, "milliseconds since 1970");
  }
  return cursor === undefined ? query : { ...query, below: readCursor(cursor, store) };
}

/** The cursor of a place in a list of runs: what comes next lies below it. */
export function runCursor(place: number, store: string): string {
  return `${store}${place}`;
}

/** The place that a cursor stands for; throws `cursor-invalid`. */
export function readCursor(cursor: string, store: string): number {
  const [first, place] = typeof cursor === "string" ? [cursor.slice(0, 1), cursor.slice(1)] : [];
  if (first === store && place !== undefined && /^(?:0|[1-9]\d{0,15})$/.test(place)) {
    const below = Number(place);
    if (Number.isSafeInteger(below)) return below;
  }
  const advice = "give the `next` of the page before as it came, or none to begin with the newest";
  throw new JobbersError("cursor-invalid", `the cursor ${quoted(cursor)} is none of this store's; ${advice}`);
}

function wrong(what: string, value: unknown, form: string): JobbersError {
  return new JobbersError(
    "flag-invalid",
    `a list of runs has the ${what} ${quoted(value)}; it takes ${form}`,
  );
}
