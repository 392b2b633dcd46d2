import type { Exchange, ExchangeReply, Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { checkAll, type Driver, openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { placeOf } from "../src/connection.js";
import { keysOf } from "../src/keys.js";
import { createListening } from "../src/listen.js";
import type { Server } from "../src/server.js";
import { type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

let server: RedisServer;
let raw: Redis;
let store: Required<Pick<Store, "standBy">> & Store;
let submitter: Store;
let worker: Driver;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
});
beforeEach(async () => {
  await raw.flushall();
  store = (await openRedisStore(server.url)) as typeof store;
  submitter = await openRedisStore(server.url);
  worker = await openDriver(store, { serves: ["a"] });
});
afterEach(async () => {
  await Promise.all([store.close(), submitter.close()]);
});
afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

function exchangeOf(seq: number): Exchange {
  const wants = { slots: 1, control: 0, inline: false, queues: ["default"] };
  return { session: worker.session.id, lane: 7, seq, reports: [], wants };
}

interface StandingBy {
  readonly seq: number;
  readonly reply: Promise<ExchangeReply>;
}

/** Resolves when the server holds an exchange back, behind the letter that it waits for. */
async function standingBy(signal = new AbortController().signal): Promise<StandingBy> {
  for (let seq = 1; seq < 50; seq++) {
    const enough = new AbortController();
    const reply = store.standBy(exchangeOf(seq), AbortSignal.any([signal, enough.signal]));
    for (let looks = 0; looks < 50; looks++) {
      if (/ qbuf=[1-9]\d* .*cmd=blpop/.test(String(await raw.client("LIST")))) return { seq, reply };
    }
    // The connection on which it waits for letters was not open yet.
    enough.abort();
    await reply;
  }
  throw new Error("no exchange is held back");
}

/** How many scripts the server has executed. */
async function scripts(): Promise<number> {
  const found = (await raw.info("commandstats")).matchAll(
    /cmdstat_eval(?:sha)?:calls=(\d+).*failed_calls=(\d+)/g,
  );
  return [...found].reduce((sum, [, calls, failed]) => sum + Number(calls) - Number(failed), 0);
}

function taken(reply: ExchangeReply): number {
  return reply.grants.length;
}

test("a step comes with the letter, without a call of its own", async () => {
  const { reply } = await standingBy();
  const before = await scripts();
  const submission = submissionOf(single(), 1);
  await submitter.submit([submission]);
  expect((await reply).grants.map(({ lease }) => lease.run)).toEqual([submission.id]);
  // The submission, and what was held back.
  expect((await scripts()) - before).toBe(2);
});

test("what there is already is answered at once", async () => {
  await submitter.submit([submissionOf(single(), 1)]);
  expect(taken(await store.standBy(exchangeOf(1), new AbortController().signal))).toBe(1);
});

test("an abort ends it, and it has taken nothing", async () => {
  const enough = new AbortController();
  const { reply } = await standingBy(enough.signal);
  const fromMs = performance.now();
  enough.abort();
  expect(taken(await reply)).toBe(0);
  expect(performance.now() - fromMs).toBeLessThan(2_000);
  await submitter.submit([submissionOf(single(), 1)]);
  expect(taken(await store.exchange(exchangeOf(100)))).toBe(1);
});

test("a connection that breaks meanwhile costs nothing: it is sent again, and has the effect of once", async () => {
  const { reply } = await standingBy();
  const blocked = String(await raw.client("LIST"))
    .split("\n")
    .filter((line) => line.includes("cmd=blpop"));
  for (const line of blocked) await raw.client("KILL", "ID", /id=(\d+)/.exec(line)?.[1] as string);
  expect(taken(await reply)).toBe(0);
  await submitter.submit([submissionOf(single(), 1)]);
  expect(taken(await store.exchange(exchangeOf(100)))).toBe(1);
});

test("repeated by an exchange it answers the same steps again", async () => {
  const { seq, reply } = await standingBy();
  await submitter.submit([submissionOf(single(), 1), submissionOf(single(), 2)]);
  const [grant] = (await reply).grants;
  const again = await store.exchange(exchangeOf(seq));
  expect(again.grants.map(({ lease }) => lease)).toEqual([grant?.lease]);
  expect(await checkAll(store)).toEqual([]);
});

test("whose letter overtakes the answer that there is nothing yet: it is not waited for again", async () => {
  let box = "";
  /** The letter is posted, and read, before the answer is here. */
  let isLate = false;
  const slow = {
    keys: keysOf("default"),
    look: (read: (redis: Redis) => unknown) => read(raw),
    async run(_: unknown, session: string, own: string) {
      box = own;
      if (isLate) {
        await raw.rpush(box, session);
        while ((await raw.llen(box)) > 0);
        await raw.ping();
      }
      return { dueMs: undefined, stays: false };
    },
  } as unknown as Server;
  const listening = createListening(slow, placeOf(server.url, "default"));
  const call = (redis: Redis) => redis.ping();
  const stand = (signal = new AbortController().signal) =>
    listening.standBy("s", { queues: ["q"], signal }, call);
  const first = new AbortController();
  const warm = stand(first.signal);
  while (!String(await raw.client("LIST")).includes("cmd=blpop"));
  first.abort();
  await warm;
  isLate = true;
  const fromMs = performance.now();
  await stand();
  expect(performance.now() - fromMs).toBeLessThan(4_000);
  listening.close();
});
