import { diagnoseRedis, openRedisStore } from "@jobbers/store-redis";
import { submissionOf } from "@jobbers/testing";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { keysOf } from "../src/keys.js";
import { type ClusterNodes, call, startCluster } from "./cluster-nodes.js";
import { startRedis } from "./redis-server.js";
import { single } from "./sample-plans.js";

/** One node with all slots: it refuses a script that reaches for a key in another slot than its first. */
describe("one node, by its own URL", () => {
  let cluster: ClusterNodes;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  afterAll(() => cluster?.stop());

  runContract("redis in cluster mode", () => cluster.nodes[0]?.url as string);
});

describe("three nodes, by the URL of the cluster", () => {
  let cluster: ClusterNodes;
  beforeAll(async () => {
    cluster = await startCluster(3);
  });
  afterAll(() => cluster?.stop());

  // A namespace for each test, so that every node has stores.
  runContract("redis cluster", () => cluster.url);

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

test("a server that is in no cluster says so", async () => {
  const server = await startRedis();
  onTestFinished(server.stop);
  await expect(openRedisStore(server.url.replace("redis:", "redis+cluster:"))).rejects.toMatchObject({
    code: "store-url-invalid",
    message: expect.stringContaining("in no cluster; write redis://"),
  });
});

function runContract(name: string, url: () => string): void {
  let namespaces = 0;
  const open: OpenStore = ({ clock, eventsKept }) =>
    openRedisStore(url(), { namespace: `test-${++namespaces}`, clock: clock.now, eventsKept, replicaMs: 20 });
  storeContract(name, open, {
    mayReplicate: true,
    reopen: (_first, { clock }) =>
      openRedisStore(url(), { namespace: `test-${namespaces}`, clock: clock.now }),
  });
}
