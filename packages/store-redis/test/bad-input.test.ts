import type { StepSpec, Submission } from "@jobbers/core";
import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { keysOf } from "../src/keys.js";
import { routeOf } from "../src/route.js";
import { checkServer } from "../src/schema.js";
import { freePort, type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis("--requirepass", "right");
  admin = new Redis(server.url, { password: "right" });
});
beforeEach(() => admin.flushall());
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

const right = () => `redis://:right@127.0.0.1:${server.port}`;

test.each([
  "",
  "redis:",
  "redis://",
  "http://127.0.0.1:1",
  "127.0.0.1:6379",
  "redis://127.0.0.1/one",
  "redis://h/0?x=1",
  "redis://h:0",
  "redis://h:65536",
  "redis://h1,h2",
  "redis://[h]",
  "redis://%zz@h",
  "redis://h/1/2",
  "redis+sentinel://h",
  "redis+sentinel://h/",
  "redis+sentinel://h,/jobs",
  "redis+sentinel://h/jobs/x",
  "redis+sentinel://h/jobs?other=1",
  "redis+cluster://h/1",
  "redis+cluster://h?sentinel_username=me",
  "redis+other://h",
])("%j is no URL of a Redis store", async (url) => {
  await expect(openRedisStore(url)).rejects.toMatchObject({ code: "store-url-invalid" });
});

test("URLs of every form are read", () => {
  expect(routeOf("redis://me:p%40s%3As@h")).toMatchObject({
    by: "server",
    isTls: false,
    hosts: [{ host: "h", port: 6379 }],
    username: "me",
    password: "p@s:s",
    db: 0,
    url: "redis://h",
  });
  expect(routeOf("rediss+sentinel://:a:b@h1,[::1]:5/my%20jobs/3?sentinel_password=c")).toMatchObject({
    by: "sentinel",
    isTls: true,
    hosts: [
      { host: "h1", port: 26_379 },
      { host: "::1", port: 5 },
    ],
    username: undefined,
    password: "a:b",
    db: 3,
    master: "my jobs",
    sentinelUsername: undefined,
    sentinelPassword: "c",
    url: "rediss+sentinel://h1,[::1]:5/my%20jobs/3",
  });
  expect(routeOf("redis+cluster://me@h1:1,h2:2")).toMatchObject({
    by: "cluster",
    hosts: [
      { host: "h1", port: 1 },
      { host: "h2", port: 2 },
    ],
    username: "me",
    password: undefined,
  });
});

test("a refused password is told, and not shown", async () => {
  const opening = openRedisStore(`redis://:secret-word@127.0.0.1:${server.port}`);
  const error = await opening.catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ code: "store-refused", message: expect.stringContaining("password") });
  expect((error as Error).message).not.toContain("secret-word");
  await expect(openRedisStore(server.url)).rejects.toMatchObject({ code: "store-refused" });
});

test("a database that the server does not have is refused, and no other is taken for it", async () => {
  const url = `${right()}/99`;
  const refused = { code: "store-url-invalid", message: expect.stringContaining("no such database") };
  await expect(openRedisStore(url)).rejects.toMatchObject(refused);
  expect((await diagnoseRedis(url)).findings).toMatchObject([{ name: "connection", level: "fail" }]);
  expect(await admin.dbsize()).toBe(0);
});

test("a place where nobody answers is told at once", async () => {
  await expect(openRedisStore(`redis://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({
    code: "store-busy",
  });
});

test("a server that evicts is refused", async () => {
  await admin.config("SET", "maxmemory-policy", "allkeys-lru");
  try {
    const message = expect.stringContaining("noeviction");
    await expect(openRedisStore(right())).rejects.toMatchObject({ code: "store-unfit", message });
  } finally {
    await admin.config("SET", "maxmemory-policy", "noeviction");
  }
  expect(await admin.dbsize()).toBe(0);
});

test("a replica is refused", async () => {
  await admin.replicaof("127.0.0.1", "1");
  try {
    const message = expect.stringContaining("replica");
    await expect(openRedisStore(right())).rejects.toMatchObject({ code: "store-unfit", message });
  } finally {
    await admin.replicaof("NO", "ONE");
  }
});

test("another schema is refused, a newer minor one is served", async () => {
  await admin.set("jobbers:{main:0}:schema", "3.0");
  await expect(openRedisStore(right())).rejects.toMatchObject({ code: "store-too-new" });
  await admin.set("jobbers:{main:0}:schema", "1.0");
  await expect(openRedisStore(right())).rejects.toMatchObject({ code: "store-too-old" });
  await admin.set("jobbers:{main:0}:schema", "2.7");
  await (await openRedisStore(right())).close();
});

test("a foreign key in our place is refused, and left alone", async () => {
  await admin.set("jobbers:{main:0}:clock", "mine");
  await expect(openRedisStore(right())).rejects.toMatchObject({ code: "store-not-a-database" });
  expect(await admin.keys("*")).toEqual(["jobbers:{main:0}:clock"]);
  await admin.flushall();
  await admin.set("jobbers:{main:0}:schema", "mine");
  await expect(openRedisStore(right())).rejects.toMatchObject({ code: "store-not-a-database" });
});

test.each(["packed", "kinds", "progress", "events", "timers", "sessions", "runs", "ended:s"])(
  "a foreign key %s is refused by name before anything is written",
  async (name) => {
    const key = `jobbers:{main:0}:${name}`;
    await admin.set(key, "mine");
    const refused = { code: "store-not-a-database", message: expect.stringContaining(key) };
    await expect(openRedisStore(right())).rejects.toMatchObject(refused);
    expect(await admin.get(key)).toBe("mine");
  },
);

test("who opens a new place while another does finds no foreign key", async () => {
  const slow = admin.duplicate();
  const look = slow.get.bind(slow);
  slow.get = (async (key: string) => {
    const found = await look(key);
    slow.get = look;
    const other = await openRedisStore(right());
    await openDriver(other, { serves: ["a"] });
    await other.close();
    return found;
  }) as typeof slow.get;
  try {
    await checkServer(slow, keysOf("main"), server.url);
  } finally {
    slow.disconnect();
  }
});

const wicked = [
  "*",
  "{x}",
  "}{",
  "a\nb",
  "a\0b",
  "a:b",
  "a|b,c",
  "a;b",
  "%2A",
  "\u001e\u001f\u001d",
  "ünï 😀",
  "[0]",
  "x".repeat(400),
];

/** A submission whose every name is the given text. */
function named(text: string, n: number): Submission {
  const submission = submissionOf(single(), n);
  const [spec] = submission.entries.items as [StepSpec];
  const entries = { items: [{ ...spec, address: text, name: text, needs: text, queue: text }] };
  return { ...submission, name: text, tags: [text], traceparent: text, entries };
}

test("any text may be a name; no key outside of the prefix is touched", async () => {
  await admin.mset("bystander", "1", "jobbers:{other:0}:clock", "2");
  const store = await openRedisStore(right());
  for (const [n, text] of wicked.entries()) {
    const submission = named(text, n);
    await store.submit([submission]);
    const worker = await openDriver(store, { serves: [text], queues: [text], worker: text });
    const [grant] = (await worker.exchange([], { slots: 5, queues: [text] })).grants;
    expect(grant).toMatchObject({ needs: text, tags: [text], traceparent: text, lease: { address: text } });
    expect(await store.listHeld(worker.session.id)).toEqual([grant?.lease]);
    expect(await store.getStep(submission.id, text)).toMatchObject({ worker: text, state: "running" });
    const follow = { successors: { items: [] } };
    const report = { type: "succeeded", lease: grant!.lease, output: JSON.stringify(text), follow } as const;
    expect((await worker.exchange([report])).results).toEqual(["accepted"]);
    expect(await store.getRun(submission.id)).toMatchObject({ name: text, state: "succeeded", tags: [text] });
    expect(await store.getStep(submission.id, text)).toMatchObject({
      queue: text,
      worker: text,
      state: "succeeded",
    });
    expect((await store.listSteps(submission.id, { limit: 5 })).steps).toHaveLength(1);
    expect(await store.readValues(submission.id, [text])).toEqual({ [text]: JSON.stringify(text) });
    expect((await store.listQueues()).map(({ name }) => name)).toContain(text);
    await store.closeSession(worker.session.id);
  }
  await store.close();
  const keys = await admin.keys("*");
  expect(keys.filter((key) => !key.startsWith("jobbers:{main:0}:")).sort()).toEqual([
    "bystander",
    "jobbers:{other:0}:clock",
  ]);
  expect(await admin.mget("bystander", "jobbers:{other:0}:clock")).toEqual(["1", "2"]);
});

test("a name that is too long for a key is refused by name, and nothing is kept", async () => {
  const store = await openRedisStore(right());
  await expect(store.submit([named("x".repeat(10_240), 1)])).rejects.toMatchObject({ code: "name-invalid" });
  expect((await store.listRuns({ limit: 5 })).runs).toEqual([]);
  await store.close();
});
