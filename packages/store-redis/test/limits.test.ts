import { openRedisStore } from "@jobbers/store-redis";
import { createFakeClock, openDriver, samplePlans, submissionOf } from "@jobbers/testing";
import { fairnessTest, limitsTest, type OpenStore } from "@jobbers/testing/contract";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { type SharedRedis, shareRedis } from "./shared-redis.js";

let server: SharedRedis;
beforeAll(async () => {
  server = await shareRedis();
});
afterAll(() => server?.stop());

const inNamespace: OpenStore = ({ clock }) =>
  openRedisStore(server.url, { namespace: server.newNamespace(), clock: clock.now });

test("limits hold under random schedules", () => limitsTest(inNamespace, { runs: 12 }), 120_000);

test(
  "tenants have their parts under random schedules",
  () => fairnessTest(inNamespace, { runs: 6 }),
  120_000,
);

const RATE = "a/rate";
const SLOTS = "a/concurrency";

/** A store with a worker whose task has a rate of ten a second and five slots, both by key. */
async function limited() {
  const clock = createFakeClock();
  const namespace = server.newNamespace();
  const store = await openRedisStore(server.url, { namespace, clock: clock.now });
  onTestFinished(() => store.close());
  const raw = new Redis(server.url);
  onTestFinished(() => raw.disconnect());
  const limits = [
    { name: RATE, setting: { rate: 10, perMs: 1_000, burst: 1 }, isKeyed: true },
    { name: SLOTS, setting: { concurrency: 5 }, isKeyed: true },
  ];
  const open = () => openDriver(store, { serves: ["a"], leaseMs: 1e12, limits: [{ task: "a", limits }] });
  const submit = (key: string) =>
    store.submit([
      submissionOf(samplePlans.single(), key, {
        limits: [RATE, SLOTS].map((limit) => ({ limit, key, cost: 1 })),
      }),
    ]);
  const key = (name: string) => `jobbers:{${namespace}:0}:${name}`;
  return { clock, store, raw, open, submit, key };
}

test("who was refused is told when the limit opens, and opens it by asking again", async () => {
  const { clock, open, submit } = await limited();
  const worker = await open();
  const other = await open();
  for (const key of ["x", "x", "x"]) await submit(key);
  expect(await worker.take(3)).toHaveLength(1);
  expect(worker.lastReply?.opensInMs).toBe(100);
  // Who was not refused is told nothing, and nothing is due for promoters.
  expect(await other.take(3)).toEqual([]);
  expect(other.lastReply).not.toHaveProperty("opensInMs");
  expect(other.lastReply?.nextDueMs).toBeUndefined();
  clock.advance(99);
  expect(await worker.take(3)).toEqual([]);
  clock.advance(1);
  expect(await worker.take(3)).toHaveLength(1);
  expect(worker.lastReply?.opensInMs).toBe(100);
});

test("when the one ends who was told when a limit opens, another is woken and told", async () => {
  const { store, raw, open, submit, key } = await limited();
  const worker = await open();
  const other = await open();
  for (const each of ["x", "x"]) await submit(each);
  const [grant] = await worker.take(2);
  expect(await other.take(2)).toEqual([]);
  expect(other.lastReply).not.toHaveProperty("opensInMs");
  if (grant) await worker.succeed(grant);
  const fromMs = performance.now();
  const { signal } = new AbortController();
  const listening = store.listen(other.session.id, { queues: ["default"], timeoutMs: 10_000, signal });
  await vi.waitUntil(() => raw.zcard(key("idle:")), { timeout: 5_000, interval: 5 });
  await store.closeSession(worker.session.id);
  await listening;
  expect(performance.now() - fromMs).toBeLessThan(5_000);
  expect(await other.take(2)).toEqual([]);
  expect(other.lastReply?.opensInMs).toBe(100);
});

test("purging takes away what says nothing any more of a rate", async () => {
  const { clock, store, raw, open, submit, key } = await limited();
  const worker = await open();
  for (const each of ["x", "y", "z"]) await submit(each);
  expect(await worker.take(3)).toHaveLength(3);
  const forever = { ageMs: 1e15, count: 1e15 };
  const purge = () => store.purge({ succeeded: forever, failed: forever, cancelled: forever }, 100);
  const buckets = () => raw.hlen(key("buckets:a%2Frate"));
  await purge();
  expect(await buckets()).toBe(3);
  clock.advance(50);
  await submit("w");
  expect(await worker.take(1)).toHaveLength(1);
  // The first look was a while ago, and the last bucket is younger than the others.
  clock.advance(600_000 - 50);
  await submit("w");
  expect(await worker.take(1)).toHaveLength(1);
  await purge();
  expect(await buckets()).toBe(1);
  clock.advance(600_000);
  expect(await purge()).toEqual({ purged: 0, more: false });
  expect(await raw.exists(key("buckets:a%2Frate"), key("sweeps"))).toBe(0);
});

test("keys of a limit are not searched one by one, and what is kept of them ends", async () => {
  const { raw, open, submit, key } = await limited();
  const worker = await open();
  for (const each of ["x", "y"]) await submit(each);
  const grants = await worker.take(2);
  expect(grants).toHaveLength(2);
  for (const name of ["buckets:a%2Frate", "slots:a%2Fconcurrency", "used:a%2Fconcurrency"])
    expect(await raw.object("ENCODING", key(name))).toBe("hashtable");
  for (const grant of grants) await worker.succeed(grant);
  expect(await raw.exists(key("slots:a%2Fconcurrency"), key("used:a%2Fconcurrency"))).toBe(0);
});
