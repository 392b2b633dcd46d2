import type { Store, SubmitResult } from "@jobbers/core";
import { openRedisStore, type RedisStoreOptions } from "@jobbers/store-redis";
import { submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keysOf } from "../src/keys.js";
import { type FaultyLine, startFaultyLine } from "./faulty-line.js";
import { type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

/** What is frozen never answers; for what answers, however busy the machine, there is a patient store. */
const REPLICA_MS = 1_000;
const patient = { replicaMs: 10_000 };

let master: RedisServer;
let replica: RedisServer;
let line: FaultyLine;
let admin: Redis;
let namespaces = 0;
const stores: Store[] = [];

beforeAll(async () => {
  // Without pings, only what is written moves the offset.
  master = await startRedis("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "3600");
  line = await startFaultyLine(master.port);
  replica = await startRedis("--replicaof", "127.0.0.1", String(master.port));
  admin = new Redis(master.url);
});
beforeEach(async () => {
  namespaces++;
  await caughtUp();
});
afterEach(async () => {
  thaw();
  for (const store of stores.splice(0)) await store.close();
});
afterAll(async () => {
  admin?.disconnect();
  await line?.close();
  await replica?.stop();
  await master?.stop();
});

const freeze = () => process.kill(replica.pid, "SIGSTOP");
const thaw = () => process.kill(replica.pid, "SIGCONT");

/** Until the replica has all that was written. */
async function caughtUp(): Promise<void> {
  await admin.set("mark", namespaces);
  expect(await admin.wait(1, 15_000)).toBe(1);
}

async function open(url = master.url, options: RedisStoreOptions = {}): Promise<Store> {
  const store = await openRedisStore(url, {
    ...{ namespace: `replicas-${namespaces}`, replicaMs: REPLICA_MS },
    ...options,
  });
  stores.push(store);
  return store;
}

const replicated = { durability: "replica" } as const;

function unconfirmed({ id }: { readonly id: string }, waitedMs = REPLICA_MS): SubmitResult {
  return { status: "not-replicated", id, state: "running", waitedMs };
}

/** How often clients have waited for replicas, and how much the master has written, both since it started. */
async function counts(): Promise<{ readonly waits: number; readonly written: number }> {
  const told = `${await admin.info("commandstats")}\n${await admin.info("replication")}`;
  const numberAt = (pattern: RegExp) => Number(pattern.exec(told)?.[1] ?? 0);
  return { waits: numberAt(/cmdstat_wait:calls=(\d+)/), written: numberAt(/master_repl_offset:(\d+)/) };
}

/**
 * What is sent to the master meanwhile: a line for each connection that waits for replicas, of its scripts and waits. What a WAIT
 * answers on a connection whose script has not written before it differs from one version of Redis to the next; its place does not.
 */
async function sentWhile(act: () => Promise<void>): Promise<string[]> {
  const monitor = await admin.duplicate().monitor();
  const sent = new Map<string, string[]>();
  const isOver = new Promise<void>((resolve) => {
    monitor.on("monitor", (_time: string, [name, first]: [string, string], source: string) => {
      if (name === "echo") return void (first === "over" && resolve());
      if (!/^(eval|evalsha|wait)$/.test(name) || source === "lua") return;
      sent.set(source, [...(sent.get(source) ?? []), name]);
    });
  });
  await act();
  await admin.echo("over");
  await isOver;
  monitor.disconnect();
  return [...sent.values()].filter((names) => names.includes("wait")).map((names) => names.join(" "));
}

describe("a submission that a replica has to confirm", () => {
  it("is answered when the replica has the run", async () => {
    const store = await open(master.url, patient);
    const submission = submissionOf(single(), 1);
    expect(await store.submit([submission], replicated)).toEqual([
      { status: "created", id: submission.id, state: "running" },
    ]);
    const copy = new Redis(replica.url);
    expect(await copy.hexists(keysOf(`replicas-${namespaces}`).packed, submission.id)).toBe(1);
    copy.disconnect();
  });

  it("is written but not confirmed while the replica hangs, and says of each item what became of it", async () => {
    const store = await open();
    const [known, fresh] = [submissionOf(single(), 1), submissionOf(single(), 2)];
    await store.submit([known]);
    freeze();
    const other = submissionOf(single(), 3, { id: known.id });
    const bare = { ...submissionOf(single(), 4, { withPlan: false }), plan: "0".repeat(64) };
    expect(await store.submit([fresh, known, other, bare], replicated)).toEqual([
      unconfirmed(fresh),
      unconfirmed(known),
      { status: "conflict", id: known.id },
      { status: "plan-missing", id: bare.id },
    ]);
    expect(await store.getRun(fresh.id)).toMatchObject({ state: "running" });
    expect(await store.submit([fresh])).toMatchObject([{ status: "existing" }]);
  });

  it("is not taken for confirmed by a client that connects anew and finds the run there", async () => {
    const submission = submissionOf(single(), 1);
    freeze();
    expect(await (await open()).submit([submission], replicated)).toEqual([unconfirmed(submission)]);
    const another = await open();
    expect(await another.submit([submission], replicated)).toEqual([unconfirmed(submission)]);
    // From 7.2 on, WAIT goes by the last call of its connection that wrote something; so a call that finds the run has to write.
    const { written } = await counts();
    expect(await another.submit([submission])).toMatchObject([{ status: "existing" }]);
    expect((await counts()).written).toBeGreaterThan(written);
    thaw();
    const third = await open(master.url, patient);
    expect(await third.submit([submission], replicated)).toMatchObject([{ status: "existing" }]);
  });

  it("is asked anew where the line broke between the run's answer and the replicas'", async () => {
    const store = await open(line.url);
    await store.submit([submissionOf(single(), 1)], replicated);
    const submission = submissionOf(single(), 2);
    freeze();
    line.cutAfterNextReply();
    const sent = await sentWhile(async () => {
      expect(await store.submit([submission], replicated)).toEqual([unconfirmed(submission)]);
    });
    expect(line.cuts).toBe(1);
    expect(sent).toEqual(["evalsha wait", "evalsha wait"]);
  });

  it("is not taken for confirmed where the server had forgotten the script", async () => {
    const store = await open();
    await store.submit([submissionOf(single(), 1)], replicated);
    await admin.script("FLUSH");
    freeze();
    const submission = submissionOf(single(), 2);
    const sent = await sentWhile(async () => {
      expect(await store.submit([submission], replicated)).toEqual([unconfirmed(submission)]);
    });
    expect(sent).toEqual(["evalsha wait eval wait"]);
  });

  it("holds nobody else back, and shares its wait with others", async () => {
    const store = await open();
    await store.submit([submissionOf(single(), 0)], replicated);
    const submissions = Array.from({ length: 20 }, (_, n) => submissionOf(single(), n));
    freeze();
    const { waits } = await counts();
    let answered = 0;
    const pending = submissions.map(async (each) => {
      const results = await store.submit([each], replicated);
      answered++;
      return results;
    });
    const [first] = submissions as [(typeof submissions)[0]];
    while (!(await store.getRun(first.id)));
    expect(await store.submit([submissionOf(single(), 99)])).toMatchObject([{ status: "created" }]);
    expect(answered).toBe(0);
    expect((await Promise.all(pending)).flat()).toEqual(submissions.map((each) => unconfirmed(each)));
    expect((await counts()).waits - waits).toBe(2);
  });

  it("is not confirmed by a replica that has died, and is when it is back", async () => {
    const store = await open();
    const submission = submissionOf(single(), 1);
    await replica.stop();
    expect(await store.submit([submission], replicated)).toEqual([unconfirmed(submission)]);
    replica = await startRedis("--replicaof", "127.0.0.1", String(master.port));
    await caughtUp();
    const another = await open(master.url, patient);
    expect(await another.submit([submission], replicated)).toMatchObject([{ status: "existing" }]);
  });

  it("is refused before it is written where the user may not ask replicas", async () => {
    await admin.call("ACL", "SETUSER", "nowait", "on", ">pw", "~*", "+@all", "-wait");
    const store = await open(master.url.replace("//", "//nowait:pw@"));
    const submission = submissionOf(single(), 1);
    const refused = store.submit([submission], replicated);
    await expect(refused).rejects.toMatchObject({ code: "store-unwritable" });
    expect(await store.getRun(submission.id)).toBeUndefined();
    expect(await store.submit([submission])).toMatchObject([{ status: "created" }]);
  });

  it("ends with the store's close", async () => {
    const store = await open(master.url, patient);
    await store.submit([submissionOf(single(), 0)], replicated);
    freeze();
    const submission = submissionOf(single(), 1);
    const pending = store.submit([submission], replicated).catch((error: unknown) => error);
    while (!(await store.getRun(submission.id)));
    await store.close();
    expect(await pending).toMatchObject({ code: "store-closed" });
  });
});
