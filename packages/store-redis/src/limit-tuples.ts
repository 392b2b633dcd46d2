import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";

/** What a step that is to run stands under, as scripts/shared/limits.lua has it; "" where nothing, or where its keys are still to be said. */
export async function tupleOf(
  redis: Redis,
  keys: Keys,
  needs: string,
  queue: string,
  own: string | undefined,
): Promise<string> {
  const inQueue = [`${needs}@${queue}`, `@${queue}`];
  const targets = [needs, `+${needs}`, ...inQueue.flatMap((target) => [target, `+${target}`])];
  const found = await redis.hmget(keys.ruled, ...targets);
  const rules = found.flatMap((list) => (list ? list.split("&") : [])).map((rule) => rule.split("="));
  const ruled = rules.flatMap(([name, keyed, cost]) => (keyed === "0" ? [`r${name}==${cost}`] : []));
  if (!own?.startsWith("!")) return rules.length > ruled.length ? "" : ruled.join("&");
  const said = own
    .slice(1)
    .split("&")
    .filter((use) => use.startsWith("k"));
  return [...said, ...ruled].join("&");
}

/** A step that stands under limits. */
interface Limited {
  readonly queue: string;
  readonly priority: number;
  readonly needs: string;
  readonly tuple: string;
}

/** True where the line of a step is parked: it has entries, but is in no ring. */
export async function parkedOn(
  redis: Redis,
  keys: Keys,
  { queue, priority, needs, tuple }: Limited,
): Promise<boolean> {
  const line = `${queue}:${priority}:${needs}`;
  const [turn, length] = await Promise.all([
    redis.zscore(keys.ring(line), tuple),
    redis.llen(keys.line(`${line}:${tuple}`)),
  ]);
  return turn === null && length > 0;
}
