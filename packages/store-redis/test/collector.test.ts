import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptText } from "../src/script-text.js";
import { type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

const LUAS_OWN = 200;
let server: RedisServer;
let raw: Redis;
let store: Store;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
  store = await openRedisStore(server.url);
});
afterAll(async () => {
  await store?.close();
  raw?.disconnect();
  await server?.stop();
});

/** How much of its work the server's Lua collector does at a time, in percent. */
const stepsOfCollector = () => raw.eval(`return collectgarbage("setstepmul", ${LUAS_OWN})`, 0);

test("Lua's collector goes in small steps while a script runs, and is left as it was to all others of the server", async () => {
  const worker = await openDriver(store, { serves: ["a"] });
  await store.submit([submissionOf(single(), 1)]);
  expect(await worker.finish()).toBe(1);
  expect(await stepsOfCollector()).toBe(LUAS_OWN);
  const looking = scriptText("read-time").replace(
    "return answer",
    () => `return { answer, collectgarbage("setstepmul", ${LUAS_OWN}) }`,
  );
  const early = looking.replace(/^collectgarbage\("setstepmul", 200\)$/m, "");
  expect(early).not.toBe(looking);
  expect(await raw.eval(early, 1, "jobbers:{main:0}:clock")).toEqual([expect.anything(), 25]);
});

test("a collector in small steps keeps up with what scripts throw away", async () => {
  const worker = await openDriver(store, { serves: ["a"] });
  for (let n = 0; n < 10; n++) {
    await store.submit(Array.from({ length: 500 }, (_, i) => submissionOf(single(), n * 500 + i + 2)));
    expect(await worker.finish()).toBe(500);
  }
  const [, bytes] = /^used_memory_vm_eval:(\d+)/m.exec(await raw.info("memory")) ?? [];
  // Some 3 MB are scripts; what these thousands of steps threw away is many times that.
  expect(Number(bytes)).toBeLessThan(16 * 1024 * 1024);
});
