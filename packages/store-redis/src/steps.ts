import type { StepAddress, StepCounts, StepRecord, StepState } from "@jobbers/core";
import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { stateOf } from "./letters.js";
import { headOf, type RunHead } from "./runs.js";
import type { Server } from "./server.js";
import { isMapped, type ReadStep, readStep } from "./step-record.js";
import { packText, unpackHash, unpackText } from "./text.js";
import { errorField } from "./values.js";

/** How many records one call of `listSteps` looks at, however few of them match. */
const SCAN_LIMIT = 5_000;

const PAGE = 500;

interface ListQuery {
  readonly after?: StepAddress | undefined;
  readonly limit: number;
  readonly states?: readonly StepState[] | undefined;
}

/** The head of a run; none where its parts are gone. */
async function findHead(redis: Redis, keys: Keys, run: string): Promise<RunHead | undefined> {
  const [head, status] = await redis.hmget(keys.run(run), "h", "s");
  if (!head || !status) return undefined;
  const found = headOf(head, status);
  return found.purged ? undefined : found;
}

/** The records at some packed addresses, in order; what is not there is left out. */
async function readSteps(redis: Redis, keys: Keys, run: string, head: RunHead, packed: readonly string[]) {
  let shared: string | undefined;
  /** A single task's spec is kept with its plan. */
  const sharedSpec = async () => {
    const plan = (await redis.hget(keys.run(run), "p")) ?? "";
    shared ??= (await redis.hget(keys.plan(unpackHash(plan)), "$")) ?? undefined;
    return shared;
  };
  const found: (ReadStep | undefined)[] = await Promise.all(
    [keys.run(run), keys.more(run)].map(async (key, beside) => {
      const own = packed.filter((address) => isMapped(address) === (beside === 1));
      if (own.length === 0) return [];
      const texts = await redis.hmget(
        key,
        ...own.flatMap((address) => [`@${address}`, `$${address}`, `#${address}`]),
      );
      const bare = own.some((_, i) => texts[3 * i] && !texts[3 * i + 1]) ? await sharedSpec() : undefined;
      return own.map((address, i): [string, ReadStep | undefined] => {
        const [text, spec, body] = texts.slice(3 * i, 3 * i + 3);
        const own = spec ?? bare;
        return [address, text && own ? readStep(run, head, unpackText(address), text, own, body) : undefined];
      });
    }),
  ).then((parts) => {
    const byAddress = new Map(parts.flat());
    return packed.map((address) => byAddress.get(address));
  });
  const steps = found.filter((step) => step !== undefined);
  const failed = steps.filter(({ mayHaveError }) => mayHaveError);
  if (failed.length === 0) return steps.map(({ record }) => record);
  const errors = await redis.hmget(keys.more(run), ...failed.map(({ record }) => errorField(record.address)));
  const errorOf = new Map(failed.map(({ record }, i) => [record.address, errors[i] ?? undefined]));
  return steps.map(({ record }) => ({ ...record, error: errorOf.get(record.address) }));
}

export function getStep(
  { keys, look }: Server,
  run: string,
  address: StepAddress,
): Promise<StepRecord | undefined> {
  return look(async (redis) => {
    const head = address === "" ? undefined : await findHead(redis, keys, run);
    return head && (await readSteps(redis, keys, run, head, [packText(address)]))[0];
  });
}

/** The packed addresses of the steps outside of maps: as many as the plan has at most. */
async function plainAddresses(redis: Redis, keys: Keys, run: string): Promise<string[]> {
  const fields = await redis.hkeys(keys.run(run));
  return fields.filter((field) => field.length > 1 && field.startsWith("@")).map((field) => field.slice(1));
}

/** Records by address. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export function listSteps({ keys, look }: Server, run: string, query: ListQuery) {
  return look(async (redis): Promise<{ steps: StepRecord[]; next?: StepAddress }> => {
    const { limit, states } = query;
    const head = await findHead(redis, keys, run);
    if (!head) return { steps: [] };
    const plain = (await plainAddresses(redis, keys, run)).sort();
    const steps: StepRecord[] = [];
    let last = packText(query.after ?? "");
    for (let seen = 0; seen < SCAN_LIMIT; seen += PAGE) {
      const page = await addressesAfter(redis, keys, run, plain, last);
      for (const record of await readSteps(redis, keys, run, head, page)) {
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
    const head = await findHead(redis, keys, run);
    if (!head) return [];
    const fields = await redis.hkeys(keys.run(run));
    const wanted = fields.filter((field) => field.length > 1 && (field[0] === "@" || field[0] === "+"));
    if (wanted.length === 0) return [];
    const texts = await redis.hmget(keys.run(run), ...wanted);
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
