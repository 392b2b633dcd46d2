import type { Progress } from "../definition/context.js";
import type { JsonValue } from "../plan/plan.js";

/** How far a running step is, as its newest attempt said last. Instants are by the store's clock. */
export interface ProgressRecord {
  /** What it is at, for people. */
  readonly at?: string | undefined;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  readonly detail?: JsonValue | undefined;
  /** True when something of it was too large to be kept: `detail` goes first, then the end of `at`. */
  readonly cut?: true | undefined;
  /** Since when `at` has been what it is. */
  readonly sinceMs: number;
  /** When its attempt gave a sign of life last. */
  readonly heardAtMs: number;
}

/** What an attempt says, as it goes to a store: what it is at, and all the rest as one JSON text. */
export interface PackedProgress {
  readonly at?: string | undefined;
  /** `done`, `total`, `detail` and `cut` as JSON, which stores never look into. */
  readonly rest: string;
}

/** The most bytes of one progress: of `at` as JSON, and of the rest. */
export const PROGRESS_BYTES = 1024;

/** The most characters of an `at` that is too long: as JSON each takes up to six bytes. */
const SHORT_AT = 150;

/**
 * Brings what `ctx.heartbeat` was told into the form that stores keep, at most {@link PROGRESS_BYTES}. Never throws: a part that is no
 * JSON, or not of its type, is left out.
 *
 * @example
 * packProgress({ at: "parsing", done: 340, total: 1000 }); // { at: "parsing", rest: '{"done":340,"total":1000}' }
 */
export function packProgress(progress: Progress): PackedProgress {
  try {
    return pack(progress);
  } catch {
    // A detail that is no JSON, or a getter of the user's: the counts may be had all the same.
    return packBare(progress);
  }
}

function pack(progress: Progress): PackedProgress {
  const { done, total, detail } = progress;
  const at = textOr(progress.at);
  const whole = { at, rest: JSON.stringify({ done: numberOr(done), total: numberOr(total), detail }) };
  const isLost = detail !== undefined && JSON.stringify(detail) === undefined;
  return !isLost && bytesOf(whole) <= PROGRESS_BYTES ? whole : packBare(progress);
}

/** Without the detail, and with no more of `at` than there is room for. */
function packBare(progress: Progress): PackedProgress {
  try {
    const { at, done, total } = progress;
    const rest = JSON.stringify({ done: numberOr(done), total: numberOr(total), cut: true });
    const bare = { at: textOr(at), rest };
    return bytesOf(bare) <= PROGRESS_BYTES ? bare : { at: shorten(at as string), rest };
  } catch {
    return { rest: JSON.stringify({ cut: true }) };
  }
}

/**
 * Reads what a store has kept; nothing where it cannot be read.
 *
 * @param rest the JSON text of {@link packProgress}, or empty where the attempt only said that it lives
 */
export function readProgress(
  { at, rest }: PackedProgress,
  { sinceMs, heardAtMs }: Pick<ProgressRecord, "sinceMs" | "heardAtMs">,
): ProgressRecord {
  const parts = rest === "" ? {} : (JSON.parse(rest) as Partial<ProgressRecord>);
  return { ...(at !== undefined && { at }), ...parts, sinceMs, heardAtMs };
}

/**
 * What an event tells of a progress, as JSON: the detail stays with the record. Undefined where the attempt only said that it lives.
 *
 * @example
 * progressNews({ at: "parsing", rest: '{"done":340,"total":1000,"detail":[1]}' }); // {"at":"parsing","done":340,"total":1000}
 */
export function progressNews({ at, rest }: PackedProgress): string | undefined {
  const { done, total } = rest === "" ? {} : (JSON.parse(rest) as Progress);
  const news = JSON.stringify({ at, done, total });
  return news === "{}" ? undefined : news;
}

/**
 * Says in words how far a step is.
 *
 * @param showTime shows an instant, such as 12:03:11
 * @example
 * showProgress(progress, (ms) => new Date(ms).toISOString().slice(11, 19)); // at "parsing" since 12:03:11, 340 of 1000
 */
export function showProgress(
  { at, done, total, sinceMs }: ProgressRecord,
  showTime: (instantMs: number) => string,
): string {
  const place = at === undefined ? [] : [`at ${JSON.stringify(at)} since ${showTime(sinceMs)}`];
  const ratio = total === undefined ? `${done}` : `${done ?? 0} of ${total}`;
  return [...place, ...(done === undefined && total === undefined ? [] : [ratio])].join(", ");
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOr(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function shorten(at: string): string {
  // The cut may have split a pair.
  return (`${at.slice(0, SHORT_AT - 1)}…` as string & { toWellFormed(): string }).toWellFormed();
}

function bytesOf({ at, rest }: PackedProgress): number {
  return Buffer.byteLength(rest) + (at === undefined ? 0 : Buffer.byteLength(JSON.stringify(at)));
}
