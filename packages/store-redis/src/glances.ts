import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { birthOf, kindNameOf, stateIn } from "./packed.js";
import { headOf } from "./runs.js";
import { US } from "./text.js";

/** What a list goes by: read off a record, without its steps and values. */
export interface Glance {
  /** Empty where it was not asked for. */
  readonly state: string;
  readonly number: number;
  readonly createdMs: number;
  /** As they are packed. */
  readonly name: string;
  readonly tags: string | undefined;
  /** How much was read for it. */
  readonly chars: number;
}

/** What one list asks, and has learned on its way. */
export interface Glancing {
  readonly wantsState: boolean;
  /** What the workflows of kinds are called, by the names of the kinds; a kind never changes its meaning. */
  readonly names: Map<string, string>;
}

/** What a list goes by, for many runs of which most do not matter; `undefined` for what is gone. */
export async function glanceAtRuns(
  redis: Redis,
  keys: Keys,
  ids: readonly string[],
  glancing: Glancing,
): Promise<(Glance | undefined)[]> {
  const glances = await glanceAtPacked(redis, keys, ids, glancing);
  const others = ids.flatMap((id, i) => (glances[i] ? [] : [{ id, i }]));
  const pipeline = redis.pipeline();
  for (const { id } of others) pipeline.hmget(keys.run(id), "h", "s", "n", "g");
  const replies = others.length === 0 ? [] : ((await pipeline.exec()) ?? []);
  for (const [at, [error, reply]] of replies.entries()) {
    if (error) throw error;
    const [head, status, name, tags] = reply as (string | null)[];
    if (!head || !status) continue;
    const { number, createdMs, purged } = headOf(head, status);
    const state = status.charAt(0);
    const glance = { state, number, createdMs, name: name ?? "", tags: tags ?? undefined, chars: 0 };
    if (!purged) glances[(others[at] as { i: number }).i] = glance;
  }
  return glances;
}

/** Glances at many runs, of which most do not matter; `undefined` where a run is not packed. */
async function glanceAtPacked(
  redis: Redis,
  keys: Keys,
  ids: readonly string[],
  { wantsState, names }: Glancing,
): Promise<(Glance | undefined)[]> {
  if (ids.length === 0) return [];
  const pipeline = redis.pipeline();
  // In this order, as above.
  if (wantsState) pipeline.hmget(keys.progress, ...ids);
  const replies = (await pipeline.hmget(keys.packed, ...ids).exec()) ?? [];
  const found = replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as (string | null)[];
  });
  const records = found.at(-1) ?? [];
  const progress = wantsState ? (found[0] as (string | null)[]) : undefined;
  await learnNames(redis, keys, records, names);
  return records.map((record, i) => {
    const name = record === null ? undefined : names.get(kindNameOf(record));
    return name === undefined ? undefined : glanceAt(record as string, progress && (progress[i] ?? ""), name);
  });
}

async function learnNames(
  redis: Redis,
  keys: Keys,
  records: readonly (string | null)[],
  names: Glancing["names"],
): Promise<void> {
  const kinds = new Set(records.flatMap((record) => (record === null ? [] : [kindNameOf(record)])));
  const unknown = [...kinds].filter((kind) => !names.has(kind));
  if (unknown.length === 0) return;
  const texts = await redis.hmget(keys.kinds, ...unknown);
  for (const [i, text] of texts.entries()) {
    if (text) names.set(unknown[i] as string, text.split(US)[9] ?? "");
  }
}

function glanceAt(record: string, progress: string | undefined, name: string): Glance {
  const state = progress === undefined ? "" : stateIn(progress);
  const birth = birthOf(record);
  const comma = birth.indexOf(",");
  const [, , tags] = birth.includes(US) ? birth.split(US) : [];
  const number = Number.parseInt(birth.slice(comma + 1, comma + 17), 10);
  const chars = record.length + (progress?.length ?? 0);
  return { state, number, createdMs: Number(birth.slice(0, comma)), name, tags, chars };
}
