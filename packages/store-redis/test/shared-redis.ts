import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { startRedis } from "./redis-server.js";

/** A Redis for tests that neither kill nor configure it, nor count what it does. */
export interface SharedRedis {
  readonly url: string;
  /** A name that nobody has used. */
  newNamespace(): string;
  stop(): Promise<void>;
}

/** The server of `REDIS_URL`, of which nothing but namespaces of these tests is touched; without it, one of this file's own. */
export async function shareRedis(): Promise<SharedRedis> {
  const given = process.env.REDIS_URL;
  const own = given ? undefined : await startRedis();
  const url = given ?? (own?.url as string);
  const namespaces: string[] = [];
  return {
    url,
    newNamespace() {
      const namespace = `test-${randomBytes(6).toString("hex")}`;
      namespaces.push(namespace);
      return namespace;
    },
    async stop() {
      if (own) await own.stop();
      else await removeAll(url, namespaces);
    },
  };
}

/** The same for all tests of a file, and a client that looks behind the store; both are there once the tests begin. */
export class SharedBench {
  server!: SharedRedis;
  raw!: Redis;

  constructor() {
    beforeAll(async () => {
      this.server = await shareRedis();
      this.raw = new Redis(this.server.url);
    });
    afterAll(async () => {
      this.raw?.disconnect();
      await this.server?.stop();
    });
  }
}

/** Deletes all keys of some namespaces. */
async function removeAll(url: string, namespaces: readonly string[]): Promise<void> {
  const ours = new Set(namespaces.map((each) => `jobbers:{${each}:0}`));
  const redis = new Redis(url);
  for await (const page of redis.scanStream({ match: "jobbers:{test-*", count: 1_000 })) {
    const keys = (page as string[]).filter((key) => ours.has(key.slice(0, key.indexOf("}") + 1)));
    // One by one: on a cluster, keys of several namespaces lie in several slots.
    await Promise.all(keys.map((key) => redis.unlink(key)));
  }
  redis.disconnect();
}
