import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { checkAll, openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

const NO_EXPIRY = -1;
let server: RedisServer;
let raw: Redis;
let store: Store;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
});
afterEach(() => store.close());
afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

/** The expiries of all lanes that there are. */
async function expiries(): Promise<number[]> {
  const keys = await raw.keys("jobbers:{main:0}:lanes:*");
  return await Promise.all(keys.map((key) => raw.pttl(key)));
}

// An exchange that was sent before its session ended, and arrives after it: by a worker that was frozen, or over a slow line.
test("an exchange that comes after the end of its session leaves nothing that stays for ever", async () => {
  await raw.flushall();
  store = await openRedisStore(server.url);
  const worker = await openDriver(store, { serves: ["a"] });
  await store.closeSession(worker.session.id);
  await store.submit([submissionOf(single(), 1)]);
  await worker.exchange([], { slots: 1 });
  expect(await expiries()).not.toContain(NO_EXPIRY);
  expect(await checkAll(store)).toEqual([]);
});

test("lanes that were used before the end of their session go with it, whatever comes after", async () => {
  await raw.flushall();
  store = await openRedisStore(server.url);
  const worker = await openDriver(store, { serves: ["a"] });
  await worker.exchange([], { slots: 1 });
  await store.closeSession(worker.session.id);
  await worker.exchange([], { slots: 1 });
  expect(await expiries()).toHaveLength(1);
  expect(await expiries()).not.toContain(NO_EXPIRY);
  expect(await checkAll(store)).toEqual([]);
});
