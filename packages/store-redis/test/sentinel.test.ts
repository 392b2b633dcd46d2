import type { Renewer, Store } from "@jobbers/core";
import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { checkAll, openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterEach, expect, test, vi } from "vitest";
import { openClient, placeOf } from "../src/connection.js";
import { keysOf } from "../src/keys.js";
import { createServer } from "../src/server.js";
import { freePort } from "./redis-server.js";
import { chain, single } from "./sample-plans.js";
import { MASTER, startSentinel } from "./sentinel.js";
import { type SentinelSet, startSentinelSet } from "./sentinel-set.js";

let set: SentinelSet | undefined;
let store: Store | undefined;
afterEach(async () => {
  await store?.close();
  store = undefined;
  await set?.stop();
  set = undefined;
});
// A failover takes a Sentinel seconds, and a busy machine more of them.
vi.setConfig({ testTimeout: 60_000 });

async function renewerOf(opened: Store): Promise<Renewer> {
  const { module, data } = opened.renewal as NonNullable<Store["renewal"]>;
  const { openRenewer } = (await import(module)) as { openRenewer(data: unknown): Renewer };
  return openRenewer(JSON.parse(JSON.stringify(data)));
}

async function startSet(replicas: number): Promise<SentinelSet> {
  set = await startSentinelSet({ replicas });
  return set;
}

test("a master is killed: the open store goes on with its successor, and has all that was acknowledged and replicated", async () => {
  const set = await startSet(1);
  const opened = await openRedisStore(set.url);
  store = opened;
  const renewer = await renewerOf(opened);
  const worker = await openDriver(opened, { serves: ["s1", "s2"] });
  const submissions = Array.from({ length: 40 }, (_, n) => submissionOf(chain(2), n));
  await opened.submit(submissions);
  await worker.exchange([], { slots: 10 });
  const held = await opened.listHeld(worker.session.id);
  expect(held).toHaveLength(10);
  expect(await renewer.renew(worker.session.id)).toMatchObject({ status: "alive", held: 10 });
  // The mailbox waits at the old master when it dies.
  const other = await openDriver(opened, { serves: ["late"], queues: ["late"] });
  const wait = { queues: ["late"], timeoutMs: 60_000, signal: new AbortController().signal };
  const listening = opened.listen(other.session.id, wait);
  await set.replicated();

  await set.master.kill();
  // Sent into the gap: answered by the successor.
  const late = await opened.submit([submissionOf(single("late"), 99)]);
  expect(late).toMatchObject([{ status: "created" }]);
  await set.promoted();
  await listening;
  // The mailbox waits at the successor.
  const successor = new Redis(set.replica?.url as string);
  const again = opened.listen(other.session.id, { ...wait, queues: ["later"] });
  while (!String(await successor.client("LIST")).includes("cmd=blpop"));
  await opened.submit([submissionOf(single("later"), 100)]);
  await again;
  successor.disconnect();

  expect(await opened.listHeld(worker.session.id)).toEqual(expect.arrayContaining(held));
  expect(await renewer.renew(worker.session.id)).toMatchObject({ status: "alive", held: 10 });
  expect((await worker.replay()).grants).toHaveLength(10);
  const third = await openDriver(opened, { serves: ["s1", "s2"] });
  expect(await third.finish()).toBe(60);
  await opened.closeSession(worker.session.id);
  expect(await third.finish()).toBe(20);
  for (const { id } of submissions) expect((await opened.getRun(id))?.state).toBe("succeeded");
  expect(await checkAll(opened)).toEqual([]);
  await renewer.close();
});

test("a master that only hangs is left as soon as the Sentinel names another one", async () => {
  const set = await startSet(1);
  const opened = await openRedisStore(set.url);
  store = opened;
  await opened.submit([submissionOf(single(), 1)]);
  await set.replicated();
  process.kill(set.master.pid, "SIGSTOP");
  try {
    // Nothing tells this call that its server will never answer.
    const [second] = await opened.submit([submissionOf(single(), 2)]);
    expect(second).toMatchObject({ status: "created" });
    expect((await opened.listRuns({ limit: 5 })).runs).toHaveLength(2);
  } finally {
    process.kill(set.master.pid, "SIGCONT");
  }
});

test("a Sentinel that has not heard of the failover yet is passed over", async () => {
  const set = await startSet(1);
  const stale = await startSentinel(set.replica?.port ?? 0);
  try {
    expect(await stale.ask("GET-MASTER-ADDR-BY-NAME", MASTER)).toEqual(["127.0.0.1", `${set.replica?.port}`]);
    store = await openRedisStore(set.url.replace("://", `://127.0.0.1:${stale.port},`));
    expect(await store.submit([submissionOf(single(), 1)])).toMatchObject([{ status: "created" }]);
    await expect(openRedisStore(`redis+sentinel://127.0.0.1:${stale.port}/${MASTER}`)).rejects.toMatchObject({
      code: "store-busy",
      message: expect.stringContaining("no master at present"),
    });
  } finally {
    await stale.stop();
  }
});

test("when sentinels and servers were all away for longer than a call waits, the connection is not given up", async () => {
  const set = await startSet(0);
  const place = placeOf(set.url, "main");
  const redis = await openClient(place, { commandTimeout: 200 });
  const server = createServer({
    redis,
    keys: keysOf("main"),
    url: place.url,
    clock: undefined,
    isClosed: () => false,
  });
  await set.sentinel.kill();
  await set.master.kill();
  const timedOut = server.look((client) => client.ping());
  const calls: string[] = [];
  redis.on("reconnecting", () => calls.push("again"));
  while (calls.length < 2) await new Promise((next) => redis.once("reconnecting", next));
  await Promise.all([set.master.start(), set.sentinel.start()]);
  expect(await timedOut).toBe("PONG");
  expect(await server.look((client) => client.ping())).toBe("PONG");
  redis.disconnect();
});

test("what is wrong with a Sentinel URL is told", async () => {
  const set = await startSet(0);
  const at = `127.0.0.1:${set.sentinel.port}`;
  const opening = (url: string) => openRedisStore(url).catch((error: Error) => error);
  expect(await opening(`redis+sentinel://${at}/nobody`)).toMatchObject({
    code: "store-url-invalid",
    message: expect.stringContaining("know no master of that name"),
  });
  expect(await opening(`redis+sentinel://127.0.0.1:${set.master.port}/jobs`)).toMatchObject({
    code: "store-url-invalid",
    message: expect.stringContaining("no Sentinel; write redis://"),
  });
  expect(await opening(`redis://${at}`)).toMatchObject({
    code: "store-url-invalid",
    message: expect.stringContaining("write redis+sentinel://"),
  });
  expect(await opening(`redis+sentinel://127.0.0.1:${await freePort()}/jobs`)).toMatchObject({
    code: "store-busy",
  });
  // One that is away does no harm.
  const opened = await openRedisStore(`redis+sentinel://127.0.0.1:${await freePort()},${at}/jobs/3`);
  expect(opened.url).toMatch(/^redis\+sentinel:.*\/jobs\/3$/);
  await opened.close();
  const { findings } = await diagnoseRedis(set.url);
  expect(findings.filter(({ level }) => level === "fail")).toEqual([]);
});

test("Sentinels may want a user of their own", async () => {
  const set = await startSet(0);
  const admin = new Redis(set.sentinel.port, "127.0.0.1");
  const rights = ["-@all", "+sentinel|get-master-addr-by-name"];
  await admin.call("ACL", "SETUSER", "asker", "on", ">its word", ...rights);
  await admin.call("ACL", "SETUSER", "default", "resetpass");
  admin.disconnect();
  await expect(openRedisStore(set.url)).rejects.toMatchObject({
    code: "store-refused",
    message: expect.stringContaining("sentinel_password"),
  });
  store = await openRedisStore(`${set.url}?sentinel_username=asker&sentinel_password=its%20word`);
  expect(store.url).not.toContain("word");
  expect(await store.submit([submissionOf(single(), 1)])).toMatchObject([{ status: "created" }]);
});
