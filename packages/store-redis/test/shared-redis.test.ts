import { openRedisStore } from "@jobbers/store-redis";
import { submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";
import { shareRedis } from "./shared-redis.js";

const before = process.env.REDIS_URL;
afterEach(() => {
  if (before === undefined) delete process.env.REDIS_URL;
  else process.env.REDIS_URL = before;
});

async function leaveTraces(url: string, namespace: string): Promise<void> {
  const store = await openRedisStore(url, { namespace });
  await store.submit([submissionOf(single(), 1)]);
  await store.close();
}

test("the server of REDIS_URL is used, and left as it was", async () => {
  const server = await startRedis();
  onTestFinished(server.stop);
  const admin = new Redis(server.url);
  const theirs = ["jobbers:{main:0}:clock", "jobbers:{test-theirs:0}:clock", "theirs"];
  for (const key of theirs) await admin.set(key, "1");
  process.env.REDIS_URL = server.url;
  const shared = await shareRedis();
  expect(shared.url).toBe(server.url);
  await leaveTraces(shared.url, shared.newNamespace());
  await leaveTraces(shared.url, shared.newNamespace());
  expect(await admin.dbsize()).toBeGreaterThan(theirs.length + 5);
  await shared.stop();
  expect((await admin.keys("*")).sort()).toEqual(theirs);
  admin.disconnect();
});

test("without it, a server is started and ended", async () => {
  delete process.env.REDIS_URL;
  const shared = await shareRedis();
  await leaveTraces(shared.url, shared.newNamespace());
  await shared.stop();
  await expect(openRedisStore(shared.url)).rejects.toMatchObject({ code: "store-busy" });
});
