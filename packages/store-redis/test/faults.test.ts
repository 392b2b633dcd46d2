import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type FaultyLine, startFaultyLine } from "./faulty-line.js";
import { type RedisServer, startRedis } from "./redis-server.js";
import { chain, single } from "./sample-plans.js";

let server: RedisServer;
let line: FaultyLine;
let admin: Redis;
let store: Store | undefined;
let namespaces = 0;

beforeAll(async () => {
  server = await startRedis("--appendonly", "yes", "--appendfsync", "always");
  line = await startFaultyLine(server.port);
  admin = new Redis(server.url);
  admin.on("error", () => {});
});
afterEach(async () => {
  await store?.close();
  store = undefined;
});
afterAll(async () => {
  admin?.disconnect();
  await line?.close();
  await server?.stop();
});

async function open(url: string): Promise<Store> {
  store = await openRedisStore(url, { namespace: `faults-${++namespaces}` });
  return store;
}

test("scripts that the server has forgotten are sent again", async () => {
  const opened = await open(server.url);
  const worker = await openDriver(opened, { serves: ["a"] });
  for (let n = 0; n < 5; n++) {
    await admin.script("FLUSH");
    await opened.submit([submissionOf(single(), n)]);
    await admin.script("FLUSH");
    expect(await worker.finish()).toBe(1);
  }
});

test("a server that came back empty opens for others too, once an open store has written", async () => {
  const opened = await open(server.url);
  const namespace = `faults-${namespaces}`;
  const schema = `jobbers:{${namespace}:0}:schema`;
  const layout = await admin.get(schema);
  const submitting = () => opened.submit([submissionOf(single(), 1)]);
  for (const write of [() => openDriver(opened, { serves: ["a"] }), submitting]) {
    await admin.flushall();
    await write();
    expect(await admin.get(schema)).toBe(layout);
    await (await openRedisStore(server.url, { namespace })).close();
  }
});

test("a reply that is lost on the way has the effect of once", async () => {
  const opened = await open(line.url);
  const submissions = Array.from({ length: 20 }, (_, n) => submissionOf(chain(3), n));
  const worker = await openDriver(opened, { serves: ["s1", "s2", "s3"] });
  for (const each of submissions) {
    line.loseNextReply();
    const [result] = await opened.submit([each]);
    expect(["created", "existing"]).toContain(result?.status);
  }
  let calls = 0;
  for (let n = 0; n < 30; n++) {
    const { grants } = await worker.exchange([], { slots: 3, inline: true });
    const reports = await Promise.all(grants.map((grant) => worker.success(grant)));
    line.loseNextReply();
    const { results } = await worker.exchange(reports);
    expect(results).toEqual(reports.map(() => "accepted"));
    calls += reports.length;
  }
  expect(calls).toBe(60);
  for (const { id } of submissions) expect((await opened.getRun(id))?.state).toBe("succeeded");
  expect((await opened.lastEvent()) > 0).toBe(true);
});

test("a line that is cut while one listens is mended, and work is noticed again", async () => {
  const opened = await open(line.url);
  const worker = await openDriver(opened, { serves: ["a"] });
  const signal = new AbortController().signal;
  const listening = opened.listen(worker.session.id, { queues: ["default"], timeoutMs: 15_000, signal });
  await new Promise((done) => setTimeout(done, 100));
  line.cut();
  await opened.submit([submissionOf(single(), 1)]);
  await listening;
  expect(await worker.take()).toHaveLength(1);
});

test("a server that is killed and comes back with its log has lost nothing that was acknowledged", async () => {
  const opened = await open(server.url);
  const worker = await openDriver(opened, { serves: ["s1", "s2"] });
  const submissions = Array.from({ length: 30 }, (_, n) => submissionOf(chain(2), n));
  await opened.submit(submissions);
  await worker.exchange([], { slots: 5 });
  const held = await opened.listHeld(worker.session.id);
  await server.restart();
  expect(await opened.listHeld(worker.session.id)).toEqual(expect.arrayContaining(held));
  expect((await worker.replay()).grants).toHaveLength(5);
  const other = await openDriver(opened, { serves: ["s1", "s2"] });
  expect(await other.finish()).toBe(50);
  await opened.closeSession(worker.session.id);
  expect(await other.finish()).toBe(10);
  for (const { id } of submissions) expect((await opened.getRun(id))?.state).toBe("succeeded");
});

test("out of memory, submits are refused whole, and running work finishes", async () => {
  const opened = await open(server.url);
  const worker = await openDriver(opened, { serves: ["a"] });
  await opened.submit([submissionOf(single(), 1)]);
  const [grant] = await worker.take();
  await admin.config("SET", "maxmemory", "1mb");
  try {
    const refused = opened.submit([submissionOf(single(), 2)]);
    await expect(refused).rejects.toMatchObject({ code: "store-unwritable" });
    expect(await worker.succeed(grant as never)).toBe("accepted");
    expect(await opened.renew(worker.session.id)).toMatchObject({ status: "alive" });
  } finally {
    await admin.config("SET", "maxmemory", "0");
  }
  expect((await opened.listRuns({ limit: 10 })).runs).toHaveLength(1);
});

test("a master that lost its replicas refuses writes where it was told to, and nothing is half done", async () => {
  const opened = await open(server.url);
  const worker = await openDriver(opened, { serves: ["a"] });
  await opened.submit([submissionOf(single(), 1)]);
  const [grant] = await worker.take();
  await admin.config("SET", "min-replicas-to-write", "1");
  try {
    const code = "store-unwritable";
    await expect(opened.submit([submissionOf(single(), 2)])).rejects.toMatchObject({ code });
    await expect(worker.succeed(grant as never)).rejects.toMatchObject({ code });
  } finally {
    await admin.config("SET", "min-replicas-to-write", "0");
  }
  await worker.replay();
  expect(await opened.listHeld(worker.session.id)).toEqual([]);
  expect((await opened.listRuns({ limit: 10 })).runs).toMatchObject([{ state: "succeeded" }]);
});
