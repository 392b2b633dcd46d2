import {
  type CheckedRunQuery,
  checkRunQuery,
  EXAMINED_LIMIT,
  type RunQuery,
  type RunRecord,
  type RunState,
  runCursor,
} from "@jobbers/core";
import type { Redis } from "ioredis";
import { type Glance, glanceAtRuns } from "./glances.js";
import type { Keys } from "./keys.js";
import { runStateOf } from "./letters.js";
import { readRuns } from "./runs.js";
import type { Server } from "./server.js";
import { packText } from "./text.js";

/** With what the cursors of this kind of store begin. */
const STORE = "r";

/** How many runs are examined in one go, and how many in the first; how many stand in one list. */
const WINDOW = 500;
const FIRST_WINDOW = 50;
const BUCKET = 1_000;

/** Finding nothing at all is about as much work as to examine so many runs. */
const EMPTY_COST = 100;

/** A run of which more has to be read counts as several. */
const CHARS_EACH = 1_024;

/** The states of which the runs are listed apart, by their letters: those that just run and succeed are not. */
const listed: Partial<Record<RunState, string>> = { scheduled: "d", failed: "f", cancelled: "c" };

/** The numbers from `floor` up to, not including, `before`. */
interface Span {
  readonly floor: number;
  readonly before: number;
}

interface Entry {
  readonly id: string;
  readonly number: number;
}

/** Ids by number, highest first; what lies below `before` comes next. */
interface Window {
  readonly entries: readonly Entry[];
  readonly before: number;
}

/** Runs by submission, newest first. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export async function listRuns(
  { keys, look }: Server,
  given: RunQuery,
): Promise<{ runs: RunRecord[]; next?: string }> {
  const query = checkRunQuery(given, STORE);
  const { limit, below, createdAfterMs = Number.NEGATIVE_INFINITY } = query;
  return look(async (redis) => {
    const { floor, before: end } = await spanOf(redis, keys, query);
    const scan = createScan(redis, keys, query, { floor, before: Math.min(end, below ?? end) });
    const runs: RunRecord[] = [];
    while (!scan.isOver()) {
      const chosen = await scan.next(limit - runs.length);
      while (chosen.length > 0) {
        const entries = chosen.splice(0, limit - runs.length);
        const found = await readRuns(redis, keys, entries.map(idOf));
        for (const [i, { number }] of entries.entries()) {
          const run = found[i];
          // An id that was forgotten may have come again, under another number.
          if (run?.number !== number) continue;
          // Time never goes back: what comes next was submitted before.
          if (run.record.createdAtMs < createdAfterMs) return { runs };
          if (fits(run.record, query)) runs.push(run.record);
          if (runs.length < limit) continue;
          return number > floor ? { runs, next: runCursor(number, STORE) } : { runs };
        }
      }
    }
    return scan.before > floor ? { runs, next: runCursor(scan.before, STORE) } : { runs };
  });
}

/** Goes through a span from its end, and hands out what is worth reading, until it has examined enough. */
function createScan(redis: Redis, keys: Keys, query: CheckedRunQuery, { floor, before }: Span) {
  const letter = query.state && listed[query.state];
  const windowOf = letter ? stateWindow(keys.listed(letter)) : numberWindow(keys);
  const sift = createSieve(keys, query);
  let size = Math.min(WINDOW, Math.max(query.limit, FIRST_WINDOW));
  let examined = 0;
  const scan = {
    before,
    isOver: () => scan.before <= floor || examined >= EXAMINED_LIMIT,
    /** About as many as are wanted, or fewer where it is over. */
    async next(wanted: number): Promise<Entry[]> {
      const chosen: Entry[] = [];
      while (chosen.length < wanted && !scan.isOver()) {
        const span = { floor, before: scan.before };
        const window = await windowOf(redis, span, Math.min(size, EXAMINED_LIMIT - examined));
        const { kept, cost } = await sift(redis, window.entries);
        chosen.push(...kept);
        examined += cost || EMPTY_COST;
        scan.before = window.before;
        // Where few fit, the next look is a longer one.
        size = Math.min(WINDOW, size * 4);
      }
      return chosen;
    },
  };
  return scan;
}

const idOf = ({ id }: Entry): string => id;

function fits(run: RunRecord, { state, name, tag, createdBeforeMs }: CheckedRunQuery): boolean {
  return (
    !run.purged &&
    (state === undefined || run.state === state) &&
    (name === undefined || run.name === name) &&
    (tag === undefined || run.tags.includes(tag)) &&
    (createdBeforeMs === undefined || run.createdAtMs < createdBeforeMs)
  );
}

/** Keeps what is worth reading: where few fit, a glance at each costs a tenth of that. Answers the cost of the glances, too. */
function createSieve(keys: Keys, query: CheckedRunQuery) {
  const { state, name, tag, createdBeforeMs = Number.POSITIVE_INFINITY } = query;
  const isOpen = state === undefined && name === undefined && tag === undefined;
  const isNeedless = isOpen && createdBeforeMs === Number.POSITIVE_INFINITY;
  const packedName = name === undefined ? undefined : packText(name);
  const quotedTag = tag === undefined ? "" : JSON.stringify(tag);
  const glancing = { wantsState: state !== undefined, names: new Map<string, string>() };
  const isWorthReading = (run: Glance) =>
    (state === undefined || runStateOf(run.state) === state) &&
    (packedName === undefined || run.name === packedName) &&
    (tag === undefined || run.tags?.includes(quotedTag) === true) &&
    run.createdMs < createdBeforeMs;
  return async (redis: Redis, entries: readonly Entry[]) => {
    if (entries.length === 0 || isNeedless) return { kept: entries, cost: entries.length };
    const glances = await glanceAtRuns(redis, keys, entries.map(idOf), glancing);
    const chars = glances.reduce((sum, run) => sum + (run?.chars ?? 0), 0);
    const kept = entries.filter((_, i) => glances[i] && isWorthReading(glances[i]));
    return { kept, cost: Math.max(entries.length, Math.ceil(chars / CHARS_EACH)) };
  };
}

/**
 * The lists in which the runs of a query stand, as a span of numbers: `starts` knows when the first run of each was submitted. A list
 * that began before an instant is the last that may have runs from before it.
 */
async function spanOf(
  redis: Redis,
  { clock, starts }: Keys,
  { createdAfterMs, createdBeforeMs }: CheckedRunQuery,
): Promise<Span> {
  const pipeline = redis.pipeline().hget(clock, "runs").zrange(starts, "0", "0");
  for (const instant of [createdAfterMs, createdBeforeMs]) {
    pipeline.zrange(starts, `(${instant ?? 0}`, "-inf", "BYSCORE", "REV", "LIMIT", 0, 1);
  }
  const [count, oldest, since, until] = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  }) as [string | null, string[], string[], string[]];
  const [first] = oldest.map(Number);
  const [start = 0] = since.map(Number);
  const [end] = until.map(Number);
  const runs = Number(count ?? 0);
  return {
    floor: Math.max(first ?? 0, start) * BUCKET,
    before: createdBeforeMs === undefined ? runs : Math.min(runs, end === undefined ? 0 : (end + 1) * BUCKET),
  };
}

type WindowOf = (redis: Redis, span: Span, size: number) => Promise<Window>;

/** Runs of any state: the numbers of one list each, at their own places. */
function numberWindow(keys: Keys): WindowOf {
  return async (redis, { floor, before }, size) => {
    const bucket = Math.floor((before - 1) / BUCKET);
    const first = Math.max(bucket * BUCKET, before - size, floor);
    const base = bucket * BUCKET;
    const ids = await redis.lrange(keys.bucket(bucket), first - base, before - 1 - base);
    const entries = ids.map((id, i) => ({ id, number: first + i })).reverse();
    // A list that is gone is gone as a whole.
    return { entries, before: ids.length === 0 ? Math.max(base, floor) : first };
  };
}

/** Runs of a state that has a list of its own. */
function stateWindow(key: string): WindowOf {
  return async (redis, { floor, before }, size) => {
    const from = [`(${before}`, String(floor), "BYSCORE", "REV"] as const;
    const found = await redis.zrange(key, ...from, "LIMIT", 0, size, "WITHSCORES");
    const entries: Entry[] = [];
    for (let i = 0; i < found.length; i += 2) {
      entries.push({ id: found[i] as string, number: Number(found[i + 1]) });
    }
    return { entries, before: entries.length < size ? floor : (entries.at(-1)?.number ?? floor) };
  };
}
