import { openRedisStore } from "@jobbers/store-redis";
import { createFakeClock, planOf, submissionOf, taskStep } from "@jobbers/testing";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { keysOf } from "../src/keys.js";
import { createServer, type Server } from "../src/server.js";
import { watchQueues } from "../src/watch-queues.js";
import { startRedis } from "./redis-server.js";

async function setUp() {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const store = await openRedisStore(server.url);
  onTestFinished(() => store.close());
  const raw = new Redis(server.url);
  onTestFinished(() => raw.disconnect());
  return { store, raw };
}

const plan = planOf("one", [taskStep("a")]);
const some = (count: number) => Array.from({ length: count }, () => submissionOf(plan));

it("reads a feed of many events an entry in pages, and not many times over", async () => {
  const { store, raw } = await setUp();
  const BATCHES = 60;
  for (let n = 0; n < BATCHES; n++) await store.submit(some(100));
  const sent = async (): Promise<number> =>
    Number(/total_net_output_bytes:(\d+)/.exec(await raw.info("stats"))?.[1]);
  const start = await sent();
  await raw.xrange("jobbers:{main:0}:events", "-", "+");
  const whole = (await sent()) - start;
  const seen: number[] = [];
  for (let page = 0; ; page++) {
    expect(page).toBeLessThan(100);
    const { events, gap } = await store.readEvents(seen.at(-1) ?? 0, 500);
    expect(gap).toBe(false);
    if (events.length === 0) break;
    seen.push(...events.map(({ cursor }) => cursor));
  }
  expect(seen).toEqual(Array.from({ length: 100 * BATCHES }, (_, i) => i + 1));
  expect((await sent()) - start - whole).toBeLessThan(3 * whole);
});

it("takes nothing for trimmed that is told while it looks at the feed's end", async () => {
  const { store } = await setUp();
  await store.submit(some(1));
  let cursor = await store.lastEvent();
  for (let n = 0; n < 200; n++) {
    // On one connection the submission comes between the look at the feed and the look at its end.
    const [page] = await Promise.all([store.readEvents(cursor, 10), store.submit(some(1))]);
    expect(page.gap).toBe(false);
    expect(page.events.every((event, i) => event.cursor === cursor + 1 + i)).toBe(true);
    cursor = page.cursor;
  }
  expect((await store.readEvents(cursor, 1_000)).gap).toBe(false);
});

it("tells once of a queue that nobody serves, though each script of the look is sent twice", async () => {
  const { store, raw } = await setUp();
  await store.submit(some(1));
  const clock = createFakeClock(Date.now() + 1_000);
  const parts = { redis: raw, keys: keysOf("main"), url: store.url, clock: clock.now, isClosed: () => false };
  const server = createServer(parts);
  const twice: Server = {
    ...server,
    async run(script, ...call) {
      await server.run(script, ...call);
      return server.run(script, ...call);
    },
  };
  await watchQueues(twice, "first", 1_000);
  clock.advance(60_000);
  await watchQueues(twice, "second", 1_000);
  const { events } = await store.readEvents(0, 100);
  expect(events.filter(({ type }) => type === "queue.orphaned")).toHaveLength(1);
});
