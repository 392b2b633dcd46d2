import { Redis } from "ioredis";
import { type RedisServer, startRedis } from "./redis-server.js";
import { MASTER, type Sentinel, startSentinel } from "./sentinel.js";

/** A master, its replica if it is to have one, and a Sentinel that watches over them. */
export interface SentinelSet {
  /** The store URL that leads there by the Sentinel. */
  readonly url: string;
  readonly sentinel: Sentinel;
  readonly master: RedisServer;
  readonly replica: RedisServer | undefined;
  /** Resolves once the replica has everything that was written before this call. */
  replicated(): Promise<void>;
  /** Resolves once the Sentinel names the replica as the master. */
  promoted(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSentinelSet({ replicas = 1 } = {}): Promise<SentinelSet> {
  const master = await startRedis();
  const following = ["--replicaof", `127.0.0.1 ${master.port}`, "--repl-diskless-sync-delay", "0"];
  const replica = replicas === 0 ? undefined : await startRedis(...following);
  const admin = new Redis(master.url);
  admin.on("error", () => {});
  // A Sentinel looks seldom: what it finds at its start, the test need not wait for.
  while (replica && !(await admin.info("replication")).includes("state=online"));
  const sentinel = await startSentinel(
    master.port,
    `sentinel down-after-milliseconds ${MASTER} 300`,
    `sentinel failover-timeout ${MASTER} 5000`,
  );
  // Only a replica whose link stands can be promoted.
  const isLinked = async () =>
    JSON.stringify(await sentinel.ask("REPLICAS", MASTER)).includes('"master-link-status","ok"');
  while (replica && !(await isLinked()));
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/${MASTER}`,
    sentinel,
    master,
    replica,
    async replicated() {
      // WAIT is about what its own connection wrote last, which comes after all that others wrote before.
      await admin.set("bystander", "1");
      while ((await admin.wait(1, 5_000)) < 1);
    },
    async promoted() {
      const address = `127.0.0.1,${replica?.port}`;
      while (String(await sentinel.ask("GET-MASTER-ADDR-BY-NAME", MASTER)) !== address);
    },
    async stop() {
      admin.disconnect();
      await sentinel.stop();
      await Promise.all([replica?.stop(), master.stop()]);
    },
  };
}
