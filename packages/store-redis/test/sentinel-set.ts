import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { endServer, freePort, launchServer } from "./redis-process.js";
import { type RedisServer, startRedis } from "./redis-server.js";

/** A master, its replica if it is to have one, and a Sentinel that watches over them. */
export interface SentinelSet {
  /** The store URL that leads there by the Sentinel. */
  readonly url: string;
  readonly sentinelPort: number;
  readonly master: RedisServer;
  /** Resolves once the replica has everything that was written before this call. */
  replicated(): Promise<void>;
  /** Resolves once the Sentinel names the replica as the master. */
  promoted(): Promise<void>;
  killSentinel(): Promise<void>;
  startSentinel(): Promise<void>;
  stop(): Promise<void>;
}

export const MASTER = "jobs";

export async function startSentinelSet({ replicas = 1 } = {}): Promise<SentinelSet> {
  const master = await startRedis();
  const replica =
    replicas === 0
      ? undefined
      : await startRedis("--replicaof", `127.0.0.1 ${master.port}`, "--repl-diskless-sync-delay", "0");
  const admin = new Redis(master.url);
  admin.on("error", () => {});
  // A Sentinel looks seldom: what it finds at its start, the test need not wait for.
  while (replica && !(await admin.info("replication")).includes("state=online"));
  const sentinelPort = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "jobbers-sentinel-"));
  const config = join(directory, "sentinel.conf");
  writeFileSync(
    config,
    [
      `port ${sentinelPort}`,
      "bind 127.0.0.1",
      `dir ${directory}`,
      `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${MASTER} 300`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ].join("\n"),
  );
  const launch = () => launchServer([config, "--sentinel"]);
  let sentinel = await launch();
  const ask = async (...call: [string, ...string[]]) => {
    const client = new Redis(sentinelPort, "127.0.0.1");
    try {
      return await client.call("SENTINEL", ...call);
    } finally {
      client.disconnect();
    }
  };
  // Only a replica whose link stands can be promoted.
  while (replica && !JSON.stringify(await ask("REPLICAS", MASTER)).includes('"master-link-status","ok"'));
  return {
    url: `redis+sentinel://127.0.0.1:${sentinelPort}/${MASTER}`,
    sentinelPort,
    master,
    async replicated() {
      // WAIT is about what its own connection wrote last, which comes after all that others wrote before.
      await admin.set("bystander", "1");
      while ((await admin.wait(1, 5_000)) < 1);
    },
    async promoted() {
      while (
        String((await ask("GET-MASTER-ADDR-BY-NAME", MASTER)) as string[]) !== `127.0.0.1,${replica?.port}`
      );
    },
    killSentinel: () => endServer(sentinel, "SIGKILL"),
    async startSentinel() {
      sentinel = await launch();
    },
    async stop() {
      admin.disconnect();
      await endServer(sentinel, "SIGKILL");
      rmSync(directory, { recursive: true, force: true });
      await Promise.all([replica?.stop(), master.stop()]);
    },
  };
}
