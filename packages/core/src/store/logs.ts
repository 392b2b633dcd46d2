import type { LogFields, TaskLog } from "../definition/context.js";
import { JobbersError } from "../errors/errors.js";
import type { StepAddress } from "../plan/address.js";
import { quoted } from "../values/quoted.js";
import type { Lease } from "./exchange.js";

/**
 * What handlers log, kept with their steps.
 *
 * A worker sends the lines of an attempt in **parts**, and a part is what a store keeps, orders and lets go of: it is appended whole, once,
 * and of a step with too many lines the oldest parts go. Lines of an attempt are numbered, so a part that comes twice is known by its first
 * number, and a number that is missing is a line that was dropped on the way.
 */

/** How grave a line is, the least first. */
export const logLevels = ["debug", "info", "warn", "error"] as const satisfies readonly (keyof TaskLog)[];

/** How grave a line is. */
export type LogLevel = (typeof logLevels)[number];

/** The most bytes of one line's message and fields as JSON; the fields of a longer one are left out, then the end of its message. */
export const LOG_LINE_BYTES = 4 * 1024;

/** The most lines that a store keeps of one step, and the most bytes of them. */
export const STEP_LOG_LINES = 1_000;
export const STEP_LOG_BYTES = 256 * 1024;

/** The most lines of one part, and the most bytes. */
export const LOG_PART_LINES = 100;
export const LOG_PART_BYTES = 32 * 1024;

/** The most parts of one call, and the most bytes. */
export const LOG_CALL_PARTS = 200;
export const LOG_CALL_BYTES = 512 * 1024;

/** How many attempts of one step a store tells apart: lines of older ones are dropped. */
export const LOGGING_ATTEMPTS = 10;

/** Lines of one attempt on their way to a store. */
export interface LogPart {
  readonly lease: Lease;
  /** The number of the first; those of an attempt are numbered from 1 on. */
  readonly from: number;
  /** At least one. */
  readonly lines: readonly LogEntry[];
}

/** A line on its way to a store. */
export interface LogEntry {
  readonly level: LogLevel;
  /** How long ago it was logged. */
  readonly agoMs: number;
  /** Message and fields, see {@link packLine}. */
  readonly text: string;
}

/** A line as it is read. */
export interface LogRecord {
  /** The step's address. */
  readonly step: StepAddress;
  /** The attempt's fence. */
  readonly attempt: number;
  /** The line's number in its attempt; where some are missing, lines were dropped. */
  readonly number: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields | undefined;
  /** True when something of it was too long to be kept, or no JSON: fields go first, then the end of the message. */
  readonly cut?: true | undefined;
  /** When it was logged, by the store's clock. */
  readonly atMs: number;
}

export interface LogQuery {
  /** Only the lines of this step. */
  readonly address?: StepAddress | undefined;
  /** Only those at least so grave. */
  readonly level?: LogLevel | undefined;
  /** The `next` of a page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Lines in the order in which the store got them. */
export interface LogPage {
  readonly lines: readonly LogRecord[];
  /** Where to go on; of use also at the end, for lines that are yet to come. */
  readonly next: string;
  /** False at the end of what there is. */
  readonly more: boolean;
  /** How many lines of the step, or of the run, were dropped so far: because there were too many, or on their way. */
  readonly dropped: number;
}

/** Message and fields of a line as they are kept. */
interface Kept {
  readonly m: string;
  readonly f?: LogFields | undefined;
  readonly cut?: true | undefined;
}

/** The most characters of a message that is too long: as JSON each takes up to six bytes. */
const SHORT_MESSAGE = 600;

/**
 * Brings what `ctx.log` was told into the form that stores keep, at most {@link LOG_LINE_BYTES}. Never throws.
 *
 * @example
 * packLine("fetched", { pages: 3 }); // {"m":"fetched","f":{"pages":3}}
 */
export function packLine(message: string, fields?: LogFields): string {
  const m = messageOf(message);
  try {
    const text = JSON.stringify({ m, f: fields } satisfies Kept);
    if (Buffer.byteLength(text) <= LOG_LINE_BYTES) return text;
  } catch {
    // Fields that are no JSON, or a getter of the user's: the message may be had all the same.
  }
  const bare = JSON.stringify({ m, cut: true } satisfies Kept);
  if (Buffer.byteLength(bare) <= LOG_LINE_BYTES) return bare;
  return JSON.stringify({ m: shorten(m), cut: true } satisfies Kept);
}

function messageOf(message: unknown): string {
  try {
    return (String(message) as string & { toWellFormed(): string }).toWellFormed();
  } catch {
    return "(a message that is no text)";
  }
}

/** As much as there is room for, and in any case what all characters have room for. */
function shorten(message: string): string {
  const mostBytes = LOG_LINE_BYTES - 40;
  let length = mostBytes;
  while (length > SHORT_MESSAGE && Buffer.byteLength(JSON.stringify(message.slice(0, length))) > mostBytes)
    length = Math.max(SHORT_MESSAGE, Math.floor(length * 0.75));
  // The cut may have split a pair.
  return (`${message.slice(0, length - 8)}…` as string & { toWellFormed(): string }).toWellFormed();
}

const letters = { debug: "d", info: "i", warn: "w", error: "e" } as const satisfies Record<LogLevel, string>;
const levels: Readonly<Record<string, LogLevel>> = { d: "debug", i: "info", w: "warn", e: "error" };

/** The lines of a part as one text, which stores never look into. */
export function packLogPart(lines: readonly LogEntry[]): string {
  return lines
    .map(({ level, agoMs, text }) => `${letters[level]}${Math.max(0, Math.round(agoMs))} ${text}`)
    .join("\n");
}

/** A part as a store has kept it. */
export interface KeptLogPart {
  /** Its place among those of the run, from 1 on. */
  readonly place: number;
  readonly address: StepAddress;
  readonly attempt: number;
  readonly from: number;
  /** When the store got it. */
  readonly atMs: number;
  /** See {@link packLogPart}. */
  readonly text: string;
}

/** Puts a page together from parts as a store reads them. */
export interface LogPager {
  /** The place of the last part of which there is nothing more to read. */
  readonly after: number;
  /** True when the page is full. */
  readonly isFull: boolean;
  /** The next part. */
  take(part: KeptLogPart): void;
  /** Everything up to this place has been looked at. */
  skipTo(place: number): void;
  page(end: { readonly more: boolean; readonly dropped: number }): LogPage;
}

/**
 * Begins a page.
 *
 * @throws JobbersError `cursor-invalid` for an `after` that no store wrote, `flag-invalid` for a wrong limit
 */
export function createLogPager({ after: cursor, limit, level = "debug" }: LogQuery): LogPager {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new JobbersError(
      "flag-invalid",
      `a page of a log has the limit ${quoted(limit)}; it takes a whole number of at least 1`,
    );
  }
  /** Of the part that comes next, so many lines were told. */
  let { after, begun, used } = readCursor(cursor);
  const least = logLevels.indexOf(level);
  const lines: LogRecord[] = [];
  return {
    get after() {
      return after;
    },
    get isFull() {
      return lines.length >= limit;
    },
    take(part) {
      if (part.place <= after) return;
      const start = part.place === begun ? used : 0;
      const texts = part.text.split("\n");
      for (let i = start; i < texts.length; i++) {
        if (lines.length >= limit) {
          begun = part.place;
          used = i;
          return;
        }
        const line = recordOf(part, i, texts[i] as string);
        if (line && logLevels.indexOf(line.level) >= least) lines.push(line);
      }
      after = part.place;
      used = 0;
    },
    skipTo(place) {
      if (place <= after) return;
      after = place;
      used = 0;
    },
    page: ({ more, dropped }) => {
      const next = used === 0 ? `${after}` : `${begun}.${used}`;
      return { lines, next, more: more || used > 0, dropped };
    },
  };
}

/** Nothing, where there is no such run (any more). */
export function noLog({ after }: LogQuery): LogPage {
  readCursor(after);
  return { lines: [], next: after ?? "0", more: false, dropped: 0 };
}

function recordOf(
  { address, attempt, from, atMs }: KeptLogPart,
  i: number,
  text: string,
): LogRecord | undefined {
  const level = levels[text.charAt(0)];
  const blank = text.indexOf(" ");
  if (level === undefined || blank < 0) return undefined;
  const head = { step: address, attempt, number: from + i, level };
  const { m: message, f: fields, cut } = keptOf(text.slice(blank + 1));
  const when = atMs - Number(text.slice(1, blank));
  return { ...head, message, ...(fields && { fields }), ...(cut && { cut }), atMs: when };
}

/** A line that cannot be read is shown as it is. */
function keptOf(text: string): Kept {
  try {
    const kept = JSON.parse(text) as Kept;
    if (typeof kept.m === "string") return kept;
  } catch {}
  return { m: text, cut: true };
}

/** The place of a part of which all was told; or of one of which some lines were. */
function readCursor(cursor: string | undefined): { after: number; begun: number; used: number } {
  const none = { begun: 0, used: 0 };
  if (cursor === undefined) return { after: 0, ...none };
  const [, place, used] = /^(0|[1-9]\d{0,14})(?:\.([1-9]\d{0,3}))?$/.exec(cursor) ?? [];
  if (place !== undefined && used === undefined) return { after: Number(place), ...none };
  if (place !== undefined) return { after: Number(place) - 1, begun: Number(place), used: Number(used) };
  const advice = "give the `next` of the page before as it came, or none to begin with the oldest line";
  throw new JobbersError("cursor-invalid", `the cursor ${quoted(cursor)} is no place in a log; ${advice}`);
}

/** Which lines of which attempts of a step a store has: the last number by fence, of the newest {@link LOGGING_ATTEMPTS}. */
export type SeenLines = Record<string, number>;

/**
 * Notes that a part has come.
 *
 * @returns how many lines before it were dropped on the way; undefined where it has come before, or is of an attempt too long ago
 */
export function noteLogPart(seen: SeenLines, { lease: { fence }, from, lines }: LogPart): number | undefined {
  const last = seen[fence] ?? 0;
  if (from <= last) return undefined;
  const fences = Object.keys(seen).map(Number);
  if (seen[fence] === undefined && fences.length >= LOGGING_ATTEMPTS) {
    const oldest = Math.min(...fences);
    if (fence < oldest) return undefined;
    delete seen[oldest];
  }
  seen[fence] = from + lines.length - 1;
  return from - last - 1;
}
