import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { type RedisServer, startRedisServer } from "@jobbers/testing/redis";
import { afterAll, beforeAll, describe } from "vitest";

/** Opens an empty store that reads its time from a clock, or goes by the real one. */
export type OpenStore = (clock?: () => number, options?: { eventsKept?: number }) => Promise<Store>;

/** Registers tests for a store in memory, and for one on a `redis-server` that this file starts and ends. */
export function onBothStores(tests: (open: OpenStore) => void): void {
  describe("sqlite", () =>
    tests((clock, options) => openSqliteStore("memory:", { clock, expireMemorySessions: true, ...options })));
  describe("redis", () => {
    let server: RedisServer;
    let namespaces = 0;
    beforeAll(async () => {
      server = await startRedisServer();
    });
    afterAll(() => server.stop());
    tests((clock, options) =>
      openRedisStore(server.url, { namespace: `test-${++namespaces}`, clock, ...options }),
    );
  });
}
