import { openRedisStore } from "@jobbers/store-redis";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.js";

/** One node with all slots: it refuses a script that reaches for a key in another slot than its first. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis("--cluster-enabled", "yes");
  const admin = new Redis(server.url);
  await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  while (!String(await admin.call("CLUSTER", "INFO")).includes("cluster_state:ok"));
  admin.disconnect();
});
afterAll(() => server?.stop());

let namespaces = 0;
const inCluster: OpenStore = ({ clock, eventsKept }) =>
  openRedisStore(server.url, {
    namespace: `test-${++namespaces}`,
    clock: clock.now,
    eventsKept,
    replicaMs: 20,
  });

storeContract("redis in cluster mode", inCluster, {
  mayReplicate: true,
  reopen: (_first, { clock }) =>
    openRedisStore(server.url, { namespace: `test-${namespaces}`, clock: clock.now }),
});
