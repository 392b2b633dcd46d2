import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { checkAll, openDriver, submissionOf } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterEach, expect, test, vi } from "vitest";
import { keysOf } from "../src/keys.js";
import { type ClusterNodes, call, startCluster } from "./cluster-nodes.js";
import type { RedisServer } from "./redis-server.js";
import { chain } from "./sample-plans.js";

let cluster: ClusterNodes | undefined;
let store: Store | undefined;
afterEach(async () => {
  await store?.close();
  await cluster?.stop();
});
// A failover takes a cluster seconds, and a busy machine more of them.
vi.setConfig({ testTimeout: 60_000 });

test("an open store follows its slot, when it is given over and when its node is killed", async () => {
  cluster = await startCluster(3);
  const master = await cluster.ownerOf(keysOf("main").clock);
  const replica = await cluster.addReplica(master);
  store = await openRedisStore(cluster.url);
  const worker = await openDriver(store, { serves: ["s1", "s2"] });
  const submissions = Array.from({ length: 20 }, (_, n) => submissionOf(chain(2), n));
  await store.submit(submissions);
  await worker.exchange([], { slots: 5 });

  await call(replica, "CLUSTER", "FAILOVER");
  const watching = new Redis(replica.url);
  while (!(await watching.info("replication")).includes("role:master"));
  // The old master is a replica now and answers MOVED; the call goes on to the new one.
  expect(await worker.finish()).toBe(30);
  expect(await store.submit([submissionOf(chain(2), 50)])).toMatchObject([{ status: "created" }]);

  while (!(await watching.info("replication")).includes("state=online"));
  await watching.set("bystander:{main:0}", "1");
  while ((await watching.wait(1, 5_000)) < 1);
  watching.disconnect();
  await replica.kill();
  const late = await store.submit([submissionOf(chain(2), 51)]);
  expect(late).toMatchObject([{ status: "created" }]);
  expect(await store.listHeld(worker.session.id)).toHaveLength(5);
  await store.closeSession(worker.session.id);
  const other = await openDriver(store, { serves: ["s1", "s2"] });
  expect(await other.finish()).toBe(14);
  for (const { id } of submissions) expect((await store.getRun(id))?.state).toBe("succeeded");
  expect(await checkAll(store)).toEqual([]);
});

test("while its slot is moved key by key, calls are refused; fsck then mends what was cut off", async () => {
  cluster = await startCluster(3);
  const from = await cluster.ownerOf(keysOf("main").clock);
  const to = cluster.nodes.find((each) => each !== from) as RedisServer;
  store = await openRedisStore(cluster.url);
  const worker = await openDriver(store, { serves: ["s1", "s2"] });
  await store.submit([submissionOf(chain(2), 1), submissionOf(chain(2), 2)]);

  const slot = String(await call(from, "CLUSTER", "KEYSLOT", keysOf("main").clock));
  const [here, there] = [
    String(await call(from, "CLUSTER", "MYID")),
    String(await call(to, "CLUSTER", "MYID")),
  ];
  await call(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", here);
  await call(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", there);
  const refusal = { code: "store-unfit", message: expect.stringContaining("jobbers fsck --repair") };
  await expect(worker.exchange([], { slots: 1 })).rejects.toMatchObject(refusal);
  const third = submissionOf(chain(2), 3);
  await expect(store.submit([third])).rejects.toMatchObject(refusal);
  const keys = (await call(from, "CLUSTER", "GETKEYSINSLOT", slot, "1000")) as string[];
  await call(from, "MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys);
  for (const node of [to, from]) await call(node, "CLUSTER", "SETSLOT", slot, "NODE", there);

  // What was refused may have been written, as far as that went; sent again it is one run.
  const again = await store.submit([third]);
  expect(again).toMatchObject([{ status: expect.stringMatching(/^(created|existing)$/) }]);
  await checkAll(store, { repair: true });
  expect(await checkAll(store)).toEqual([]);
  const other = await openDriver(store, { serves: ["s1", "s2"] });
  expect(await other.finish()).toBe(6);
});
