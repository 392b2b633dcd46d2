import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import type { Server } from "./server.js";

/** The store's time, which never goes back. */
export async function readNow(redis: Redis, keys: Keys, clock: Server["clock"]): Promise<number> {
  const [time, kept] = await Promise.all([clock ? undefined : redis.time(), redis.hget(keys.clock, "ms")]);
  const own = time
    ? Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000)
    : Math.floor(clock?.() ?? 0);
  return Math.max(own, Number(kept ?? 0));
}
