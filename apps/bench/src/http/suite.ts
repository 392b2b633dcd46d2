import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Flags } from "../flags.js";
import { endProcesses } from "../redis/worker-process.js";
import { startRedisServer } from "../redis-server/server.js";
import type { Suite } from "../scenario.js";
import type { HttpPlace } from "./place.js";
import { bulk } from "./scenarios/bulk.js";
import { listing } from "./scenarios/listing.js";
import { streams } from "./scenarios/streams.js";
import { submit } from "./scenarios/submit.js";
import { endServers } from "./server-process.js";

const scenarios = [submit, bulk, listing, streams];

/** The scenarios of the HTTP API on one of the stores, which is empty before each round. */
export async function httpSuite(flags: Pick<Flags, "store" | "aof" | "dir">): Promise<Suite> {
  const folder = await mkdtemp(join(flags.dir, "jobbers-bench-http-"));
  const ground = flags.store === "redis" ? await redisGround(flags, folder) : sqliteGround(folder);
  return {
    store: `${ground.what}; one server process, the load from another`,
    scenarios: scenarios.map((scenario) => ({
      ...scenario,
      measure: async (scale) => scenario.measure({ store: flags.store, url: await ground.clear() }, scale),
    })),
    async [Symbol.asyncDispose]() {
      await endServers();
      await endProcesses();
      await ground[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the stores of a suite stand on. */
interface Ground extends AsyncDisposable {
  readonly what: string;
  /** Answers the URL of an empty store. */
  clear(): Promise<HttpPlace["url"]>;
}

async function redisGround({ aof }: Pick<Flags, "aof">, dir: string): Promise<Ground> {
  const server = await startRedisServer({ aof, dir });
  const admin = new Redis(server.url);
  return {
    what: server.what,
    async clear() {
      await admin.flushall();
      return server.url;
    },
    async [Symbol.asyncDispose]() {
      admin.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

function sqliteGround(dir: string): Ground {
  const files = { made: 0 };
  return {
    what: "sqlite, WAL, synchronous=FULL",
    clear: async () => `sqlite:${join(dir, `${++files.made}.db`)}`,
    async [Symbol.asyncDispose]() {},
  };
}
