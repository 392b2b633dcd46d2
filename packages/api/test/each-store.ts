import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { type RedisServer, startRedisServer } from "@jobbers/testing/redis";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";

/** How a store is opened for one test. */
export interface OpenOptions {
  readonly eventsKept?: number;
  readonly clock?: () => number;
}

/** Opens an empty store that is closed when the test is over. */
export type OpenStore = (options?: OpenOptions) => Promise<Store>;

/** Opens a store in memory that is closed when the test is over. */
export const openMemory: OpenStore = async (options = {}) => {
  const store = await openSqliteStore("memory:", options);
  onTestFinished(() => store.close());
  return store;
};

/** Runs the same suite on every store there is. */
export function onEachStore(title: string, suite: (open: OpenStore) => void): void {
  describe(`${title}, in memory`, () => suite(openMemory));
  describe(`${title}, in a file`, () => suite(openFile));
  describe(`${title}, on Redis`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer();
    });
    afterAll(() => server?.stop());
    suite(async (options = {}) => {
      const namespace = `test-${randomBytes(6).toString("hex")}`;
      const store = await openRedisStore(server.url, { namespace, replicaMs: 20, ...options });
      onTestFinished(() => store.close());
      return store;
    });
  });
}

const openFile: OpenStore = async (options = {}) => {
  const directory = mkdtempSync(join(tmpdir(), "jobbers-api-"));
  const store = await openSqliteStore(`sqlite:${join(directory, "jobs.db")}`, options);
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return store;
};
