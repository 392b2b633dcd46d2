import type { EventRecord, JsonValue, OrphanFigures, StepReason, WorkerStart } from "@jobbers/core";
import { eventTypeOf, runStateOf, stateOf } from "./letters.js";
import type { Server } from "./server.js";
import { RS, US, unpackText } from "./text.js";

interface FeedPage {
  readonly events: EventRecord[];
  readonly cursor: number;
  readonly gap: boolean;
}

type Entry = readonly [id: string, fields: readonly string[]];

/** How many entries are asked for at first: where many runs share entries, these fill a page. */
const FIRST_ENTRIES = 8;

/** The feed after a cursor. An entry of the stream holds several events, and its id is the number of the last. */
export function readEvents({ keys, look }: Server, after: number, limit: number): Promise<FeedPage> {
  return look(async (redis) => {
    const read = (from: number, count: number): Promise<Entry[]> =>
      redis.xrange(keys.events, `(${from}`, "+", "COUNT", count);
    const few = Math.min(limit, FIRST_ENTRIES);
    let entries = await read(after, few);
    if (entries.length === 0 && after > 0) {
      if (after >= (await lastOf(redis, keys.clock))) return { events: [], cursor: after, gap: false };
      // Something was told meanwhile, or else it was trimmed.
      entries = await read(after, few);
    }
    const [first] = entries;
    if (!first) return { events: [], cursor: after, gap: after > 0 };
    const held = countIn(entries);
    if (entries.length === FIRST_ENTRIES && held < limit) {
      // As many as may be needed, and no more: what is over is read again with the next page.
      const more = Math.ceil(((limit - held) * entries.length) / held);
      entries.push(...(await read(lastIn(entries.at(-1) as Entry), more)));
    }
    const events: EventRecord[] = [];
    for (const entry of entries) {
      if (events.length >= limit) break;
      events.push(...eventsOf(entry).filter(({ cursor }) => cursor > after));
    }
    const page = events.slice(0, limit);
    // Numbers have no gaps: where the next one is missing, it was trimmed.
    const next = lastIn(first) - countIn([first]) + 1;
    return { events: page, cursor: page.at(-1)?.cursor ?? after, gap: after > 0 && next > after + 1 };
  });
}

const fieldOf = ([, fields]: Entry, name: string) => fields[fields.indexOf(name) + 1] as string;
const lastIn = ([id]: Entry) => Number(id.slice(0, id.indexOf("-")));
const countIn = (entries: readonly Entry[]) =>
  entries.reduce((sum, entry) => sum + Number(fieldOf(entry, "n")), 0);

/** The cursor at the feed's end. */
export function lastEvent({ keys, look }: Server): Promise<number> {
  return look((redis) => lastOf(redis, keys.clock));
}

async function lastOf(redis: { hget(key: string, field: string): Promise<string | null> }, clock: string) {
  return Number((await redis.hget(clock, "events")) ?? 0);
}

function eventsOf(entry: Entry): EventRecord[] {
  const last = lastIn(entry);
  const atMs = Number(fieldOf(entry, "t"));
  const told = fieldOf(entry, "e").split(RS).flatMap(expand);
  return told.map(({ letter, run, place, detail }, i): EventRecord => {
    const head = { cursor: last - told.length + 1 + i, atMs };
    const type = eventTypeOf(letter);
    if (type === "worker.started")
      return { ...head, type, worker: unpackText(place), detail: detail as unknown as WorkerStart };
    if (type === "queue.orphaned" || type === "queue.served")
      return { ...head, type, queue: unpackText(place), detail: detail as unknown as OrphanFigures };
    return { ...head, run, type, step: place === "" ? undefined : unpackText(place), detail };
  });
}

interface Told {
  readonly letter: string;
  readonly run: string;
  readonly place: string;
  readonly detail: JsonValue | undefined;
}

/**
 * An event, or the same event of many runs: C for their creation, E for their end when their only step has succeeded, S for what was done of
 * them, F for their end.
 */
function expand(text: string): Told[] {
  const [type = "", run = "", place = "", detail = ""] = text.split(US);
  if (type === "C") return ofMany("c", run, "");
  if (type === "E") return ofMany("e", run, "s s1");
  if (type === "S") return ofMany("s", run, place);
  if (type === "F") return ofMany("e", run, place);
  return [{ letter: type, run, place, detail: detailOf(type, detail) }];
}

/** Of what they have alike there is one for all. */
function ofMany(letter: string, ids: string, text: string): Told[] {
  const detail = detailOf(letter, text);
  return ids.split(" ").map((run) => ({ letter, run, place: "", detail }));
}

/** Details as scripts/shared/events.lua packs them: a letter or a number, or letters with numbers. */
function detailOf(type: string, text: string): JsonValue | undefined {
  const [first = "", ...rest] = text.split(" ");
  switch (type) {
    case "s":
      return tallyOf(text.split(" "));
    case "e":
      return { state: runStateOf(first), ...(rest.length > 0 && { steps: tallyOf(rest) }) };
    case "r":
      return { reason: first as StepReason, tries: Number(rest[0]) };
    case "d":
      return { reason: first as StepReason, tries: Number(rest[0]), lost: Number(rest[1]) };
    case "l":
    case "q":
      return { lost: Number(first) };
    case "o":
    case "u":
      return { ready: Number(first), workers: Number(rest[0]), forMs: Number(rest[1]) };
    case "g":
      return { lines: Number(first) };
    case "p":
    case "w":
      return JSON.parse(text) as JsonValue;
    default:
      // The steps that are told of one by one: why, where there is a reason.
      return text === "" ? undefined : { reason: text as StepReason };
  }
}

function tallyOf(parts: readonly string[]): Record<string, number> {
  return Object.fromEntries(parts.map((part) => [stateOf(part.charAt(0)), Number(part.slice(1))]));
}
