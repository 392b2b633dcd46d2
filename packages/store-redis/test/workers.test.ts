import { openRedisStore } from "@jobbers/store-redis";
import { openDriver } from "@jobbers/testing";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { startRedis } from "./redis-server.js";

const OTHERS = 250;

it("reads the workers of one host and name at the cost of those, and all in pages", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const store = await openRedisStore(server.url);
  onTestFinished(() => store.close());
  const raw = new Redis(server.url);
  onTestFinished(() => raw.disconnect());
  const open = (host: string, worker: string) => openDriver(store, { host, worker, leaseMs: 60_000 });
  await Promise.all(Array.from({ length: OTHERS }, (_, i) => open(`h${i}`, `w${i}`)));
  await open("here", "w0");
  const timed = async (call: () => Promise<readonly unknown[]>) => {
    await raw.config("RESETSTAT");
    const found = await call();
    const count = (name: string, info: string) =>
      Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
    const info = await raw.info("commandstats");
    return { found: found.length, looked: count("hmget", info), scripts: count("evalsha", info) };
  };
  expect(await timed(() => store.listWorkers({ host: "here", workers: ["w0"] }))).toMatchObject({
    found: 2,
    looked: 3,
  });
  const all = await timed(() => store.listWorkers());
  expect(all.found).toBe(OTHERS + 1);
  // Each script reads about a hundred of them.
  expect(all.scripts).toBeGreaterThanOrEqual(3);
});
