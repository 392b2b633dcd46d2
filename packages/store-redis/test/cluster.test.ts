import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { needsOf, openDriver, submissionOf } from "@jobbers/testing";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { keysOf } from "../src/keys.js";
import { clusterCommands, neededCommands } from "../src/needs.js";
import { aclFile, allowUsers, openAsUsers } from "./acl-users.js";
import { type ClusterNodes, call, startCluster } from "./cluster-nodes.js";
import { type RedisServer, startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

/**
 * A node refuses a script that reaches for a key in another slot than its first, and of what `jobbers.acl` does not list it keeps a
 * log: so one pass proves both. Behind the connecting, a store is the same to who has it alone.
 */
describe("three nodes that have loaded jobbers.acl, by the URL of the cluster", () => {
  let cluster: ClusterNodes;
  beforeAll(async () => {
    cluster = await startCluster(3, "--aclfile", aclFile);
    for (const node of cluster.nodes) {
      await allowUsers(node);
      await call(node, "CONFIG", "RESETSTAT");
    }
  });
  afterAll(() => cluster?.stop());

  let namespaces = 0;
  const openAgain: OpenStore = ({ clock, eventsKept }) =>
    openAsUsers((user) => cluster.url.replace("//", `//${user}:pw@`), {
      ...{ namespace: `test-${namespaces}`, clock: clock.now, eventsKept, replicaMs: 20 },
    });
  // A namespace for each test, so that every node has stores.
  const open: OpenStore = (settings) => {
    namespaces++;
    return openAgain(settings);
  };
  storeContract("redis cluster under the shipped ACL", open, {
    mayReplicate: true,
    reopen: (_first, settings) => openAgain(settings),
  });

  test("the ACL refused nothing in all that time", async () => {
    for (const node of cluster.nodes) expect(await call(node, "ACL", "LOG")).toEqual([]);
  });

  test("the ACL allows nothing that was not sent in all that time", async () => {
    const sent = await Promise.all(cluster.nodes.map((node) => call(node, "INFO", "commandstats")));
    const isSent = (command: string) => sent.join("").includes(`cmdstat_${command.toLowerCase()}:`);
    // A cluster has one database: acl.test.ts selects another of a server alone.
    const allowed = [...neededCommands, ...clusterCommands].filter((each) => each !== "SELECT");
    expect(allowed.filter((command) => !isSent(command))).toEqual([]);
  });

  test("every node has had its share of them", async () => {
    for (const node of cluster.nodes) expect(Number(await call(node, "DBSIZE"))).toBeGreaterThan(100);
  });

  test("one node that is named is enough, and the wrong one as good as the right one", async () => {
    for (const { port } of cluster.nodes) {
      const store = await openRedisStore(`redis+cluster://127.0.0.1:${port}`, { namespace: `by-${port}` });
      expect(await store.submit([submissionOf(single(), 1)])).toMatchObject([{ status: "created" }]);
      await store.close();
    }
  });

  test("redis:// to a node that does not have the store says what to write", async () => {
    const owner = await cluster.ownerOf(keysOf("main").clock);
    for (const node of cluster.nodes.filter((each) => each !== owner)) {
      const message = expect.stringContaining(`write redis+cluster://127.0.0.1:${node.port} `);
      await expect(openRedisStore(node.url)).rejects.toMatchObject({ code: "store-unfit", message });
      const { findings } = await diagnoseRedis(node.url);
      expect(findings.find(({ name }) => name === "cluster")).toMatchObject({ level: "fail" });
    }
    await (await openRedisStore(owner.url)).close();
    for (const url of [owner.url, cluster.url]) {
      const { findings } = await diagnoseRedis(url);
      expect(findings.filter(({ level }) => level === "fail")).toEqual([]);
    }
  });
});

test("a cluster of one node may be named like a server alone", async () => {
  const cluster = await startCluster(1);
  onTestFinished(cluster.stop);
  const [{ url }] = cluster.nodes as [RedisServer];
  const store = await openRedisStore(url);
  const submission = submissionOf(single(), 1);
  expect(await store.submit([submission])).toMatchObject([{ status: "created" }]);
  await (await openDriver(store, { serves: needsOf(single()) })).finish();
  expect(await store.getRun(submission.id)).toMatchObject({ state: "succeeded" });
  await store.close();
  const { findings } = await diagnoseRedis(url);
  expect(findings.filter(({ level }) => level === "fail")).toEqual([]);
});

test("a server that is in no cluster says so", async () => {
  const server = await startRedis();
  onTestFinished(server.stop);
  await expect(openRedisStore(server.url.replace("redis:", "redis+cluster:"))).rejects.toMatchObject({
    code: "store-url-invalid",
    message: expect.stringContaining("in no cluster; write redis://"),
  });
});
