import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Flags } from "../flags.js";
import { startRedisServer } from "../redis-server/server.js";
import type { Suite } from "../scenario.js";
import { scenarios } from "./scenarios/all.js";
import { endProcesses } from "./worker-process.js";

/** The scenarios of the Redis store and of BullMQ, in turns on one server that is emptied before each. */
export async function redisSuite({ aof, dir }: Pick<Flags, "aof" | "dir">): Promise<Suite> {
  const folder = await mkdtemp(join(dir, "jobbers-bench-redis-"));
  const server = await startRedisServer({ aof, dir: folder });
  const admin = new Redis(server.url);
  return {
    store: [
      server.what,
      "one redis-server for both, emptied before each turn; ours and BullMQ 6.7.0 in turns, ratios of one round's pairs",
      "one worker process, the submitter in another",
      "results and finished runs kept on both sides, event streams on with their defaults, BullMQ's other settings its defaults",
    ].join("; "),
    scenarios: scenarios.map((scenario) => ({
      ...scenario,
      async measure(scale) {
        await admin.flushall();
        return await scenario.measure({ url: server.url, admin }, scale);
      },
    })),
    async [Symbol.asyncDispose]() {
      await endProcesses();
      admin.disconnect();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
