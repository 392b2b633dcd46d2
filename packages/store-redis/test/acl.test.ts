import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Store } from "@jobbers/core";
import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { submissionOf } from "@jobbers/testing";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { askingCommands, clusterCommands, inspectingCommands, neededCommands } from "../src/needs.js";
import { call } from "./cluster-nodes.js";
import { freePort, type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

const file = new URL("../jobbers.acl", import.meta.url);

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
    await expect(lines.join("")).toMatchFileSnapshot(fileURLToPath(file));
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
    server = await startRedis("--aclfile", fileURLToPath(file));
    admin = new Redis(server.url);
    for (const user of ["jobbers", "jobbers-doctor"]) await admin.call("ACL", "SETUSER", user, ">pw");
  });
  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
  });
  const urlOf = (user: string) => `redis://${user}:pw@127.0.0.1:${server.port}/1`;

  let namespace = 0;
  /** Works as the one user, is inspected as the other. */
  const openAgain: OpenStore = async ({ clock, eventsKept }) => {
    const options = { namespace: `acl-${namespace}`, clock: clock.now, eventsKept };
    const [working, inspecting] = await Promise.all([
      openRedisStore(urlOf("jobbers"), options),
      openRedisStore(urlOf("jobbers-doctor"), options),
    ]);
    const close = () => Promise.all([working.close(), inspecting.close()]).then(() => {});
    return { ...working, check: inspecting.check, diagnose: inspecting.diagnose, close } satisfies Store;
  };
  const open: OpenStore = (settings) => {
    namespace++;
    return openAgain(settings);
  };
  storeContract("redis under the shipped ACL", open, {
    mayReplicate: true,
    reopen: (_first, settings) => openAgain(settings),
  });

  it("refused nothing in all that time", async () => {
    expect(await admin.call("ACL", "LOG")).toEqual([]);
  });

  it("allows nothing that was not sent in all that time", async () => {
    const sent = await admin.info("commandstats");
    const isSent = (command: string) => sent.includes(`cmdstat_${command.toLowerCase()}:`);
    expect(neededCommands.filter((command) => !isSent(command))).toEqual([]);
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
    for (const user of ["jobbers", "jobbers-doctor"]) {
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
  const server = await startRedis("--include", fileURLToPath(file), ...bus);
  onTestFinished(server.stop);
  await call(server, "ACL", "SETUSER", "jobbers", ">pw");
  await call(server, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  while (!String(await call(server, "CLUSTER", "INFO")).includes("cluster_state:ok"));
  const store = await openRedisStore(`redis+cluster://jobbers:pw@127.0.0.1:${server.port}`);
  expect(await store.submit([submissionOf(single(), 1)])).toMatchObject([{ status: "created" }]);
  await store.close();
});
