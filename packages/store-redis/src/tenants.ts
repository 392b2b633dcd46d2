import { TENANTS_LOOK_LIMIT, TENANTS_SHOWN, type TenantRecord, type TurnPlace } from "@jobbers/core";
import type { ChainableCommander, Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { tenantIn } from "./limits.js";
import type { Server } from "./server.js";
import { keyText, unpackText } from "./text.js";

/** Tenants of queues, as scripts/shared/tenants.lua keeps them. */

/** The most lines of a tenant that are counted for a list. */
const LINES_SHOWN = 50;

/** A step that stands under a tuple. */
interface Standing {
  readonly queue: string;
  readonly priority: number;
  readonly needs: string;
  readonly tuple: string;
}

/** How the tenant of a step stands among the others; nothing where it has none. */
export async function readTurn(
  redis: Redis,
  keys: Keys,
  { queue, priority, needs, tuple }: Standing,
): Promise<TurnPlace | undefined> {
  const tenant = tenantIn(tuple);
  if (tenant === "") return undefined;
  const list = keys.tenants(`${queue}:${priority}:${needs}`);
  const [score, tenants, weight] = await Promise.all([
    redis.zscore(list, tenant),
    redis.zcard(list),
    redis.hget(keys.weights(queue), tenant),
  ]);
  return {
    key: unpackText(tenant),
    weight: Number(weight ?? 1),
    before: score === null ? 0 : Math.min(await redis.zcount(list, "-inf", `(${score}`), TENANTS_LOOK_LIMIT),
    tenants: Math.min(tenants, TENANTS_LOOK_LIMIT),
    isOpen: score !== null,
  };
}

/** A tenant with open lines, of some tasks. */
interface Open {
  readonly tenant: string;
  readonly priority: number;
  readonly score: number;
  readonly needs: readonly string[];
}

/** The tenants of a queue whose turn it is. */
export function listTenants({ keys, look }: Server, name: string): Promise<TenantRecord[]> {
  const queue = keyText(name);
  return look(async (redis) => {
    const open = await openTenants(redis, keys, queue);
    const rings = open.flatMap(({ tenant, priority, needs }) =>
      needs.map((each) => `${queue}:${priority}:${each}:${tenant}`),
    );
    const lines = await answersOf<string[]>(redis, rings, (pipeline, ring) =>
      pipeline.zrange(keys.ring(ring), 0, `${LINES_SHOWN - 1}`),
    );
    const linesOf = rings.map((ring, i) => {
      const line = ring.slice(0, ring.lastIndexOf(":"));
      return (lines[i] ?? []).map((tuple) => `${line}:${tuple}`);
    });
    const lengths = await answersOf<number>(redis, linesOf.flat(), (pipeline, line) =>
      pipeline.llen(keys.line(line)),
    );
    const tenants = open.map(({ tenant }) => tenant);
    const weights = tenants.length === 0 ? [] : await redis.hmget(keys.weights(queue), ...tenants);
    const depths = linesOf.values();
    let at = 0;
    return open.map(({ tenant, priority, needs }, i): TenantRecord => {
      const counts = needs.map(() => (depths.next().value as string[]).length);
      const end = at + counts.reduce((sum, count) => sum + count, 0);
      const waiting = lengths.slice(at, end).reduce((sum, length) => sum + length, 0);
      at = end;
      return {
        ...{ key: unpackText(tenant), priority, weight: Number(weights[i] ?? 1), waiting },
        atLeast: counts.some((count) => count === LINES_SHOWN),
      };
    });
  });
}

/** The first of each priority, by whose turn it is. */
async function openTenants(redis: Redis, keys: Keys, queue: string): Promise<Open[]> {
  const members = (await redis.smembers(keys.rings(queue))).filter((member) => member.endsWith(":")).sort();
  const lists = members.map((member) => member.slice(0, -1));
  const pages = await answersOf<string[]>(redis, lists, (pipeline, list) =>
    pipeline.zrange(keys.tenants(`${queue}:${list}`), 0, `${TENANTS_SHOWN - 1}`, "WITHSCORES"),
  );
  const found = new Map<string, Open>();
  lists.forEach((list, i) => {
    const [, digit = "", needs = ""] = /^(\d):(.*)$/.exec(list) ?? [];
    const page = pages[i] ?? [];
    for (let at = 0; at < page.length; at += 2) {
      const [tenant, score] = [page[at] as string, Number(page[at + 1])];
      const known = found.get(`${digit}:${tenant}`);
      found.set(`${digit}:${tenant}`, {
        ...{ tenant, priority: Number(digit) },
        score: Math.min(score, known?.score ?? score),
        needs: [...(known?.needs ?? []), needs],
      });
    }
  });
  const all = [...found.values()].sort(
    (a, b) => b.priority - a.priority || a.score - b.score || (a.tenant < b.tenant ? -1 : 1),
  );
  const shown = new Map<number, number>();
  return all.filter(({ priority }) => {
    shown.set(priority, (shown.get(priority) ?? 0) + 1);
    return (shown.get(priority) as number) <= TENANTS_SHOWN;
  });
}

/** Asks the same of many, in one round trip. */
async function answersOf<T>(
  redis: Redis,
  each: readonly string[],
  ask: (pipeline: ChainableCommander, one: string) => unknown,
): Promise<T[]> {
  const pipeline = redis.pipeline();
  for (const one of each) ask(pipeline, one);
  return ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply as T;
  });
}
