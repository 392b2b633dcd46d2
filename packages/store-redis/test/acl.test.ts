import { readFileSync } from "node:fs";
import type { Submission } from "@jobbers/core";
import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { checkAll, needsOf, openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { askingCommands, clusterCommands, inspectingCommands, neededCommands } from "../src/needs.js";
import { aclFile, aclUsers, allowUsers, openAsUsers } from "./acl-users.js";
import { call } from "./cluster-nodes.js";
import { freePort, type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

const never = new AbortController().signal;

/** A line of an ACL file; without a password, so that nobody can log in until whoever runs the server has given one. */
function userLine(name: string, commands: readonly string[]): string {
  const rights = [...new Set(commands)].sort().map((each) => `+${each.toLowerCase()}`);
  return `user ${name} on resetchannels ~jobbers:* -@all ${rights.join(" ")}\n`;
}

describe("jobbers.acl", () => {
  it("allows what is needed and nothing else (npx vitest -u writes it anew)", async () => {
    const working = [...neededCommands, ...clusterCommands];
    const lines = [
      userLine("jobbers", working),
      userLine("jobbers-doctor", [...working, ...inspectingCommands, ...askingCommands]),
    ];
    await expect(lines.join("")).toMatchFileSnapshot(aclFile);
  });

  it("is shipped", () => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(manifest.files).toContain("jobbers.acl");
  });
});

describe("a server that has loaded jobbers.acl", () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedis("--aclfile", aclFile);
    admin = new Redis(server.url);
    await allowUsers(server);
  });
  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
  });
  const urlOf = (user: string) => `redis://${user}:pw@127.0.0.1:${server.port}/1`;

  it("lets runs live there, in a database of their own, and refuses nothing meanwhile", async () => {
    const store = await openAsUsers(urlOf, { namespace: "acl" });
    const plan = single();
    const submissions = [submissionOf(plan, 1), submissionOf(plan, 2, { delayMs: 60_000 })];
    expect(await store.submit(submissions)).toMatchObject([{ status: "created" }, { status: "created" }]);
    const waiting = store.awaitEvents(await store.lastEvent(), { timeoutMs: 20_000, signal: never });
    const driver = await openDriver(store, { serves: needsOf(plan) });
    await driver.finish();
    await waiting;
    const { id } = submissions[0] as Submission;
    expect(await store.getRun(id)).toMatchObject({ state: "succeeded" });
    expect(await checkAll(store)).toEqual([]);
    await store.close();
    expect(await admin.call("ACL", "LOG")).toEqual([]);
    expect(await admin.info("commandstats")).toContain("cmdstat_select:");
  });

  it("has a doctor that is refused nothing, and one for work that is told what fsck needs", async () => {
    const accessOf = async (user: string) =>
      (await diagnoseRedis(urlOf(user))).findings.find(({ name }) => name === "access");
    expect(await accessOf("jobbers-doctor")).toMatchObject({ level: "ok", value: "user jobbers-doctor" });
    expect(await accessOf("jobbers")).toMatchObject({
      level: "warn",
      sentence: expect.stringContaining("jobbers.acl"),
    });
  });

  it("keeps both users from the keys of others, and from ruling the server", async () => {
    for (const user of aclUsers) {
      const redis = new Redis(urlOf(user));
      // A script is the only way to other keys that the rights on commands leave open.
      const tries = await Promise.allSettled([
        redis.get("theirs"),
        redis.set("theirs", "1"),
        redis.eval("return redis.call('SET', 'theirs', '1')", 0),
        redis.publish("jobbers:news", "1"),
        redis.flushall(),
        redis.config("SET", "maxmemory", "1"),
        redis.call("ACL", "LIST"),
      ]);
      for (const each of tries)
        expect(String(each.status === "rejected" && each.reason)).toMatch(
          /NOPERM|user executing the script can't access/,
        );
      redis.disconnect();
    }
  });

  it("lets nobody in before a password was given", async () => {
    await admin.call("ACL", "LOAD");
    await expect(openRedisStore(urlOf("jobbers"))).rejects.toMatchObject({ code: "store-refused" });
  });

  it("tells who lacks a command inside a script the same, and what to do about it", async () => {
    await admin.call("ACL", "SETUSER", "half", "on", ">pw", "~jobbers:*", "+@all", "-xadd");
    const store = await openRedisStore(`redis://half:pw@127.0.0.1:${server.port}`);
    const message = expect.stringMatching(/jobbers\.acl.*fsck/);
    await expect(store.submit([submissionOf(single(), 77)])).rejects.toMatchObject({
      code: "store-refused",
      message,
    });
    await store.close();
  });

  it("tells who lacks a right where to find the list", async () => {
    await admin.call("ACL", "SETUSER", "poor", "on", ">pw", "~jobbers:*", "+info", "+select");
    await expect(openRedisStore(urlOf("poor"))).rejects.toMatchObject({
      code: "store-refused",
      message: expect.stringContaining("jobbers.acl"),
    });
  });
});

it("the same lines may be included by redis.conf, and do on a cluster", async () => {
  const bus = ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())];
  const server = await startRedis("--include", aclFile, ...bus);
  onTestFinished(server.stop);
  await call(server, "ACL", "SETUSER", "jobbers", ">pw");
  await call(server, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  while (!String(await call(server, "CLUSTER", "INFO")).includes("cluster_state:ok"));
  const store = await openRedisStore(`redis+cluster://jobbers:pw@127.0.0.1:${server.port}`);
  expect(await store.submit([submissionOf(single(), 1)])).toMatchObject([{ status: "created" }]);
  await store.close();
});
