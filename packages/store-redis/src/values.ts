import type { StepAddress } from "@jobbers/core";
import { readFields } from "./packed.js";
import { headOf } from "./runs.js";
import type { Server } from "./server.js";
import { packText } from "./text.js";

/** The field of a step's last error. */
export function errorField(address: StepAddress): string {
  return `=${packText(address)}:error`;
}

/** Values stand in the run's hash, or beside it where they are large or many. */
export function readValues(
  { keys, look }: Server,
  run: string,
  wanted: readonly string[],
): Promise<Record<string, string | null>> {
  return look(async (redis) => {
    const none = Object.fromEntries(wanted.map((key) => [key, null]));
    if (wanted.length === 0) return none;
    const fields = wanted.map((key) => `=${packText(key)}`);
    const [head, status, ...texts] = await readFields(redis, keys, run, ["h", "s", ...fields]);
    const beside = texts.includes(null) ? await redis.hmget(keys.more(run), ...fields) : [];
    if (!head || !status || headOf(head, status).purged) return none;
    return Object.fromEntries(wanted.map((key, i) => [key, texts[i] ?? beside[i] ?? null]));
  });
}
