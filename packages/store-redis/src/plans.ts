import type { Server } from "./server.js";

export function getPlan({ keys, look }: Server, hash: string): Promise<string | undefined> {
  return look(async (redis) => (await redis.hget(keys.plan(hash), "text")) ?? undefined);
}
