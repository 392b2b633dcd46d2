import type { StepAddress, StepCounts, StepRecord, StepState } from "@jobbers/core";
import type { Redis } from "ioredis";
import { readBeats } from "./beats.js";
import type { Keys } from "./keys.js";
import { stateOf } from "./letters.js";
import { parkedOn, tupleOf } from "./limit-tuples.js";
import { readPacked, readSharedSpecs } from "./packed.js";
import { headOf, type RunHead } from "./runs.js";
import type { Server } from "./server.js";
import { isMapped, type ReadStep, readStep } from "./step-record.js";
import { specOf, templateIn } from "./template.js";
import { packText, unpackText } from "./text.js";
import { errorField } from "./values.js";

/** How many records one call of `listSteps` looks at, however few of them match. */
const SCAN_LIMIT = 5_000;

const PAGE = 500;

interface ListQuery {
  readonly after?: StepAddress | undefined;
  readonly limit: number;
  readonly states?: readonly StepState[] | undefined;
}

/** Where the steps of a run are read. */
interface Source {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly run: string;
  readonly head: RunHead;
  readonly plan: string;
  /** Some fields of the run. */
  get(names: readonly string[]): Promise<(string | null)[]> | (string | null)[];
  /** The names of all its fields. */
  names(): Promise<string[]> | string[];
}

/** The source of a run; none where its parts are gone. */
async function sourceOf(redis: Redis, keys: Keys, run: string): Promise<Source | undefined> {
  const [packed] = await readPacked(redis, keys, [run]);
  const get = (names: readonly string[]) =>
    packed ? names.map((name) => packed.get(name) ?? null) : redis.hmget(keys.run(run), ...names);
  const [h, s, plan] = await get(["h", "s", "p"]);
  if (!h || !s) return undefined;
  const head = headOf(h, s);
  if (head.purged) return undefined;
  const names = () => (packed ? [...packed.keys()] : redis.hkeys(keys.run(run)));
  return { redis, keys, run, head, plan: plan ?? "", get, names };
}

/** The records at some packed addresses, in order; what is not there is left out. */
async function readSteps(source: Source, packed: readonly string[]): Promise<StepRecord[]> {
  const { redis, keys, run, plan } = source;
  const namesOf = (address: string) => [`@${address}`, `$${address}`, `#${address}`];
  const inner = packed.filter(isMapped);
  const plain = packed.filter((address) => !isMapped(address));
  const [home, beside] = await Promise.all([
    plain.length > 0 ? source.get(plain.flatMap(namesOf)) : [],
    inner.length > 0 ? redis.hmget(keys.more(run), ...inner.flatMap(namesOf)) : [],
  ]);
  const bare = plain.filter((_, i) => home[3 * i] && !home[3 * i + 1]);
  const templates = inner.flatMap((_, i) => templateIn(beside[3 * i]) ?? []);
  const shared = await readSharedSpecs(redis, keys, plan, [...bare, ...new Set(templates)]);
  const found = new Map<string, ReadStep>();
  const note = (addresses: readonly string[], texts: readonly (string | null)[]) =>
    addresses.forEach((address, i) => {
      const [text, own, body] = texts.slice(3 * i, 3 * i + 3);
      const spec = own ?? specOf(shared, address, text);
      if (text && spec) found.set(address, readStep(run, source.head, unpackText(address), text, spec, body));
    });
  note(plain, home);
  note(inner, beside);
  const steps = packed.map((address) => found.get(address)).filter((step) => step !== undefined);
  return withProgress(source, steps, await withLimits(source, steps, await withErrors(source, steps)));
}

/** What is ready in a line that is parked reads as limited. */
async function withLimits(
  { redis, keys, head }: Source,
  steps: readonly ReadStep[],
  records: readonly StepRecord[],
): Promise<StepRecord[]> {
  const mayBe = (record: StepRecord) => record.state === "ready" && record.phase === "run";
  if (!records.some(mayBe) || !(await redis.hexists(keys.clock, "limited"))) return [...records];
  return await Promise.all(
    records.map(async (record, i) => {
      const line = mayBe(record) && steps[i]?.line;
      if (!line) return record;
      const priority = line.priority ?? head.priority;
      const tuple = await tupleOf(redis, keys, line.needs, line.queue, line.uses);
      const isParked = tuple !== "" && (await parkedOn(redis, keys, { ...line, priority, tuple }));
      return isParked ? { ...record, state: "limited" as const } : record;
    }),
  );
}

/** What running ones said last. */
async function withProgress(
  { redis, keys }: Source,
  steps: readonly ReadStep[],
  records: readonly StepRecord[],
): Promise<StepRecord[]> {
  const beats = await readBeats(
    redis,
    keys,
    steps.flatMap(({ held }) => held ?? []),
  );
  let at = 0;
  return records.map((record, i) => {
    const progress = steps[i]?.held && beats[at++];
    return progress ? { ...record, progress } : record;
  });
}

async function withErrors({ redis, keys, run }: Source, steps: readonly ReadStep[]): Promise<StepRecord[]> {
  const failed = steps.filter(({ mayHaveError }) => mayHaveError);
  if (failed.length === 0) return steps.map(({ record }) => record);
  const errors = await redis.hmget(keys.more(run), ...failed.map(({ record }) => errorField(record.address)));
  const errorOf = new Map(failed.map(({ record }, i) => [record.address, errors[i] ?? undefined]));
  return steps.map(({ record }) => ({ ...record, error: errorOf.get(record.address) }));
}

/** The records at some packed addresses of a run. */
export async function readStepsAt(
  redis: Redis,
  keys: Keys,
  run: string,
  packed: readonly string[],
): Promise<StepRecord[]> {
  const source = await sourceOf(redis, keys, run);
  return source ? await readSteps(source, packed) : [];
}

export function getStep(
  { keys, look }: Server,
  run: string,
  address: StepAddress,
): Promise<StepRecord | undefined> {
  return look(async (redis) => {
    const source = address === "" ? undefined : await sourceOf(redis, keys, run);
    return source && (await readSteps(source, [packText(address)]))[0];
  });
}

/** The packed addresses of the steps outside of maps: as many as the plan has at most. */
async function plainAddresses(source: Source): Promise<string[]> {
  const fields = await source.names();
  return fields.filter((field) => field.length > 1 && field.startsWith("@")).map((field) => field.slice(1));
}

/** Records by address. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export function listSteps({ keys, look }: Server, run: string, query: ListQuery) {
  return look(async (redis): Promise<{ steps: StepRecord[]; next?: StepAddress }> => {
    const { limit, states } = query;
    const source = await sourceOf(redis, keys, run);
    if (!source) return { steps: [] };
    const plain = (await plainAddresses(source)).sort();
    const steps: StepRecord[] = [];
    let last = packText(query.after ?? "");
    for (let seen = 0; seen < SCAN_LIMIT; seen += PAGE) {
      const page = await addressesAfter(redis, keys, run, plain, last);
      for (const record of await readSteps(source, page)) {
        if (states && !states.includes(record.state)) continue;
        if (steps.length === limit) return { steps, next: (steps.at(-1) as StepRecord).address };
        steps.push(record);
      }
      if (page.length < PAGE) return { steps };
      last = page.at(-1) as string;
    }
    return { steps, next: unpackText(last) };
  });
}

/** A page of addresses in order: those outside of maps, and those inside, which Redis keeps in order. */
async function addressesAfter(redis: Redis, keys: Keys, run: string, plain: readonly string[], last: string) {
  const mapped = await redis.zrangebylex(
    keys.order(run),
    last === "" ? "-" : `(${last}`,
    "+",
    "LIMIT",
    0,
    PAGE,
  );
  const rest = plain.filter((address) => address > last).slice(0, PAGE);
  return [...rest, ...mapped].sort().slice(0, PAGE);
}

/**
 * Progress by plan name. Steps inside maps are counted as they go, in the fields `+<state>name`; every other plan name has one
 * step, so its record says it.
 */
export function countSteps({ keys, look }: Server, run: string): Promise<StepCounts[]> {
  return look(async (redis) => {
    const source = await sourceOf(redis, keys, run);
    if (!source) return [];
    const { head } = source;
    const fields = await source.names();
    const wanted = fields.filter((field) => field.length > 1 && (field[0] === "@" || field[0] === "+"));
    if (wanted.length === 0) return [];
    const texts = await source.get(wanted);
    const found = new Map<string, Partial<Record<StepState, number>>>();
    wanted.forEach((field, i) => {
      const text = texts[i] ?? "";
      const isCount = field[0] === "+";
      const kept = stateOf((isCount ? field : text).charAt(isCount ? 1 : 0));
      const settled = kept === "succeeded" || kept === "failed" || kept === "skipped" || kept === "cancelled";
      const state = head.isEnded && !settled ? "cancelled" : kept;
      const n = isCount ? Number(text) : 1;
      if (n === 0) return;
      const name = unpackText(field.slice(isCount ? 2 : 1));
      const counts = found.get(name) ?? {};
      counts[state] = (counts[state] ?? 0) + n;
      found.set(name, counts);
    });
    return [...found].map(([name, counts]) => ({ name, counts }));
  });
}
