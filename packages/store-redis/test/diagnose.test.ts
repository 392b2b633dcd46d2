import { readdirSync, readFileSync } from "node:fs";
import type { Finding } from "@jobbers/core";
import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { inspectingCommands, neededCommands } from "../src/needs.js";
import { MAJOR } from "../src/schema.js";
import { freePort, type RedisServer, startRedis } from "./redis-server.js";

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis("--maxmemory", "100mb", "--maxmemory-policy", "noeviction");
  admin = new Redis(server.url);
});
beforeEach(() => admin.flushall());
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

async function findingsOf(url = server.url): Promise<Record<string, Finding>> {
  const { findings } = await diagnoseRedis(url);
  return Object.fromEntries(findings.map((each) => [each.name, each]));
}

/** Settings for the time of one look. */
async function withConfig(settings: Readonly<Record<string, string>>) {
  const before = await Promise.all(
    Object.keys(settings).map(async (name) => (await admin.config("GET", name)) as [string, string]),
  );
  for (const [name, value] of Object.entries(settings)) await admin.config("SET", name, value);
  try {
    return await findingsOf();
  } finally {
    for (const [name, value] of before) await admin.config("SET", name, value);
  }
}

describe("a diagnosis of a Redis", () => {
  it("finds a good one good, and leaves it as it is", async () => {
    const found = await findingsOf();
    for (const name of ["version", "eviction", "memory", "role", "clock", "schema", "access", "foreign keys"])
      expect(found[name]).toMatchObject({ name, level: "ok" });
    expect(await admin.dbsize()).toBe(0);
    await (await openRedisStore(server.url)).close();
    expect((await findingsOf()).schema).toMatchObject({ level: "ok", value: expect.stringMatching(/^2\./) });
  });

  it("fails one that evicts", async () => {
    const { eviction } = await withConfig({ "maxmemory-policy": "allkeys-lru" });
    expect(eviction).toMatchObject({ level: "fail", value: "allkeys-lru" });
    expect(eviction?.sentence).toContain("noeviction");
  });

  it("says what persistence means in lost seconds", async () => {
    const of = async (appendonly: string, appendfsync: string, save = "") =>
      (await withConfig({ appendonly, appendfsync, save })).persistence;
    expect(await of("yes", "everysec")).toMatchObject({
      level: "ok",
      sentence: expect.stringContaining("about one second"),
    });
    expect(await of("yes", "always")).toMatchObject({
      level: "ok",
      sentence: expect.stringContaining("0 seconds"),
    });
    expect(await of("yes", "no")).toMatchObject({ level: "warn" });
    expect(await of("no", "everysec")).toMatchObject({ level: "warn", value: "none" });
    expect(await of("no", "everysec", "3600 1 60 1000")).toMatchObject({
      level: "warn",
      sentence: expect.stringContaining("3600 seconds"),
    });
  });

  it("warns where memory is short, and fails where there is none", async () => {
    const used = Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);
    expect((await withConfig({ maxmemory: String(Math.round(used * 1.05)) })).memory).toMatchObject({
      level: "warn",
    });
    expect((await withConfig({ maxmemory: String(Math.round(used * 0.5)) })).memory).toMatchObject({
      level: "fail",
    });
    expect((await withConfig({ maxmemory: "0" })).memory).toMatchObject({ level: "warn" });
  });

  it("fails a replica", async () => {
    await admin.replicaof("127.0.0.1", "1");
    try {
      expect((await findingsOf()).role).toMatchObject({ level: "fail", value: "replica" });
    } finally {
      await admin.replicaof("NO", "ONE");
    }
  });

  it("fails a master that writes nothing without replicas", async () => {
    const { role } = await withConfig({ "min-replicas-to-write": "1" });
    expect(role).toMatchObject({ level: "fail", sentence: expect.stringContaining("refuses all writes") });
  });

  it("fails a newer schema and keys of others in our place", async () => {
    await admin.set("jobbers:{main:0}:schema", "3.0");
    expect((await findingsOf()).schema).toMatchObject({ level: "fail", value: "3.0" });
    await admin.set("jobbers:{main:0}:schema", "theirs");
    expect((await findingsOf()).schema).toMatchObject({ level: "fail", value: "foreign" });
    await admin.del("jobbers:{main:0}:schema");
    await admin.set("jobbers:{main:0}:clock", "theirs");
    expect(await findingsOf()).toMatchObject({
      schema: { level: "fail" },
      "foreign keys": { level: "fail", value: "1" },
    });
    await admin.rename("jobbers:{main:0}:clock", "jobbers:{main:0}:packed");
    expect((await findingsOf())["foreign keys"]).toMatchObject({
      level: "fail",
      sentence: expect.stringContaining(":packed"),
    });
    await admin.rename("jobbers:{main:0}:packed", "jobbers:{main:0}:theirs");
    expect((await findingsOf())["foreign keys"]).toMatchObject({ level: "warn", value: "1" });
  });

  it("knows the same layouts as an opening", async () => {
    const at = (layout: string) => admin.set("jobbers:{main:0}:schema", layout);
    await at(`${MAJOR}.99`);
    expect((await findingsOf()).schema).toMatchObject({ level: "ok" });
    await (await openRedisStore(server.url)).close();
    await at(`${MAJOR + 1}.0`);
    expect((await findingsOf()).schema).toMatchObject({
      level: "fail",
      sentence: expect.stringContaining(`up to ${MAJOR};`),
    });
    await expect(openRedisStore(server.url)).rejects.toMatchObject({ code: "store-too-new" });
  });

  it("says where nobody answers, and where the password is refused, without showing it", async () => {
    const away = await diagnoseRedis(`redis://127.0.0.1:${await freePort()}`);
    expect(away.findings).toMatchObject([{ name: "connection", level: "fail" }]);
    const refused = await diagnoseRedis(`redis://nobody:secret-word@127.0.0.1:${server.port}`);
    expect(refused.findings).toMatchObject([{ name: "connection", level: "fail" }]);
    expect(JSON.stringify(refused)).not.toContain("secret-word");
    await expect(diagnoseRedis("redis://h/0?x=1")).rejects.toMatchObject({ code: "store-url-invalid" });
  });
});

describe("a user with few rights", () => {
  const url = (user: string) => `redis://${user}:pw@127.0.0.1:${server.port}`;

  it("is told what is missing", async () => {
    await admin.call("ACL", "SETUSER", "short", "on", ">pw", "~jobbers:*", "+@all", "-zpopmax", "-xadd");
    const { access } = await findingsOf(url("short"));
    expect(access).toMatchObject({ level: "fail", value: "user short, 2 commands refused" });
    expect(access?.sentence).toMatch(/XADD, ZPOPMAX/);
  });

  it("may do all with the commands that are listed as needed", async () => {
    const commands = new Set<string>([...neededCommands, ...inspectingCommands]);
    const rights = [...commands].map((each) => `+${each.toLowerCase()}`);
    const asking = ["+ping", "+acl|whoami", "+acl|dryrun", "+config|get"];
    await admin.call("ACL", "SETUSER", "least", "on", ">pw", "~jobbers:{main:0}:*", ...rights, ...asking);
    expect((await findingsOf(url("least"))).access).toMatchObject({ level: "ok", value: "user least" });
  });

  it("whom the server tells nothing gets no crash, but unknowns", async () => {
    await admin.call("ACL", "SETUSER", "blind", "on", ">pw", "~jobbers:*", "-@all", "+ping");
    const found = await findingsOf(url("blind"));
    for (const name of [
      "version",
      "eviction",
      "memory",
      "persistence",
      "role",
      "clock",
      "access",
      "foreign keys",
    ])
      expect(found[name], name).toMatchObject({ level: "warn", value: "unknown: not permitted" });
  });
});

it("the list of needed commands has all that scripts send", () => {
  const directory = new URL("../scripts/", import.meta.url);
  const files = readdirSync(directory, { recursive: true }).filter((each) => String(each).endsWith(".lua"));
  const all = files.map((each) => readFileSync(new URL(String(each), directory), "utf8")).join("\n");
  const sent = new Set([...all.matchAll(/call(?:Many)?\("([A-Z]+)"/g)].map((found) => found[1] as string));
  const known = new Set<string>([...neededCommands, ...inspectingCommands]);
  expect([...sent].filter((each) => !known.has(each))).toEqual([]);
});
