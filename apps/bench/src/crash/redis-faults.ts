import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Aof, type RedisServer, startRedisServer } from "../redis-server/server.js";
import { between, type Fault, type FaultKind, type Scene } from "./fault.js";
import { startProxy, type TcpProxy } from "./proxy.js";
import type { StoreUnderTest } from "./store-under-test.js";
import { pastLeaseMs } from "./terms.js";

/**
 * Opens a Redis to be tested: `redis:spawn` starts a server that may be killed, with a proxy before it; any other URL is taken
 * as it is, and only processes are harmed.
 */
export async function openRedisUnderTest(
  url: string,
  { folder, appendfsync }: { readonly folder: string; readonly appendfsync: Exclude<Aof, "no"> },
): Promise<StoreUnderTest> {
  if (url !== "redis:spawn")
    return { url, clientUrl: url, faults: [], isShared: false, close: async () => {} };
  const server = await startRedisServer({ aof: appendfsync, dir: join(folder, "redis") });
  const proxy = await startProxy(server.port);
  return {
    url: server.url,
    clientUrl: `redis://127.0.0.1:${proxy.port}`,
    faults: [...serverFaults(server), ...proxyFaults(proxy)],
    isShared: false,
    async close() {
      await proxy.close();
      await server.kill();
    },
  };
}

function serverFaults(server: RedisServer): FaultKind[] {
  return [
    {
      name: "redis-kill",
      what: "SIGKILL of the server, and restart on its append-only file",
      inject: (scene) =>
        lasting("redis-kill", async () => {
          await server.kill();
          await sleep(between(scene.random, 20, 1_500));
          await server.start();
        }),
    },
    {
      name: "script-flush",
      what: "SCRIPT FLUSH in a loop",
      inject: (scene) =>
        lasting("script-flush", async () => {
          const untilMs = Date.now() + between(scene.random, 500, 2_000);
          while (Date.now() < untilMs) {
            await tried(server, "SCRIPT", "FLUSH");
            await sleep(5);
          }
        }),
    },
    {
      name: "out-of-memory",
      what: "maxmemory below what is used: submits are refused whole, running work finishes",
      inject: (scene) => forAWhile(scene, server, "out-of-memory", ["maxmemory", "1mb"], ["maxmemory", "0"]),
    },
    {
      name: "read-only",
      what: "the server becomes a replica of nobody that answers, and a master again",
      inject: (scene) =>
        lasting("read-only", async () => {
          await tried(server, "REPLICAOF", "127.0.0.1", "1");
          await sleep(awayMs(scene));
          while (!(await tried(server, "REPLICAOF", "NO", "ONE"))) await sleep(50);
        }),
    },
  ];
}

function proxyFaults(proxy: TcpProxy): FaultKind[] {
  return [
    {
      name: "stall",
      what: "nothing passes between clients and server, and nobody is told",
      inject: (scene) =>
        lasting("stall", async () => {
          proxy.stall();
          await sleep(awayMs(scene));
          proxy.flow();
        }),
    },
    {
      name: "drop",
      what: "every connection is cut, a few times",
      inject: (scene) => repeatedly(scene, "drop", () => proxy.drop()),
    },
    {
      name: "cut-reply",
      what: "calls are executed, but their replies are cut off in the middle",
      inject: (scene) => repeatedly(scene, "cut-reply", () => proxy.cutReplies()),
    },
  ];
}

/** Sometimes shorter than a lease, sometimes longer. */
function awayMs({ random, terms }: Scene): number {
  return between(random, 100, 1.2 * pastLeaseMs(terms));
}

function repeatedly({ random }: Scene, kind: string, act: () => void): Promise<Fault> {
  return lasting(kind, async () => {
    for (let left = between(random, 1, 8); left > 0; left--) {
      act();
      await sleep(between(random, 10, 300));
    }
  });
}

function forAWhile(
  scene: Scene,
  server: RedisServer,
  kind: string,
  setting: readonly [string, string],
  back: readonly [string, string],
): Promise<Fault> {
  return lasting(kind, async () => {
    await tried(server, "CONFIG", "SET", ...setting);
    await sleep(awayMs(scene));
    while (!(await tried(server, "CONFIG", "SET", ...back))) await sleep(50);
  });
}

/** True when the server said OK; another fault may have it away just now. */
async function tried(server: RedisServer, ...words: readonly string[]): Promise<boolean> {
  try {
    return (await server.command(...words)).startsWith("+OK");
  } catch {
    return false;
  }
}

async function lasting(kind: string, act: () => Promise<void>): Promise<Fault> {
  const at = Date.now();
  await act();
  return { kind, at, until: Date.now(), pids: [], reach: "everybody" };
}
