import { freePort } from "@jobbers/testing/redis";
import { Redis } from "ioredis";
import { type RedisServer, startRedis } from "./redis-server.js";

const SLOTS = 16_384;

/** Servers of one Redis Cluster, each with as many slots as the others. */
export interface ClusterNodes {
  readonly nodes: readonly RedisServer[];
  /** The store URL that names all of them. */
  readonly url: string;
  /** The node that has a key's slot. */
  ownerOf(key: string): Promise<RedisServer>;
  /** Adds a replica of a node, and waits until it has what the node has. */
  addReplica(master: RedisServer): Promise<RedisServer>;
  stop(): Promise<void>;
}

export async function startCluster(count: number, ...args: string[]): Promise<ClusterNodes> {
  const started: RedisServer[] = [];
  const busPorts = new Map<RedisServer, number>();
  const start = async () => {
    const busPort = await freePort();
    // By default the bus has the port plus 10,000, which may be too high or taken.
    const bus = ["--cluster-port", String(busPort), "--cluster-node-timeout", "1000"];
    const cluster = ["--cluster-enabled", "yes", ...bus, "--repl-diskless-sync-delay", "0"];
    const node = await startRedis(...cluster, ...args);
    started.push(node);
    busPorts.set(node, busPort);
    return node;
  };
  const nodes = await Promise.all(Array.from({ length: count }, start));
  const [first] = nodes as [RedisServer];
  const meet = (node: RedisServer) =>
    call(first, "CLUSTER", "MEET", "127.0.0.1", String(node.port), String(busPorts.get(node)));
  for (const [i, node] of nodes.entries()) {
    const [from, to] = [i, i + 1].map((each) => Math.floor((each * SLOTS) / count)) as [number, number];
    await call(node, "CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    await call(node, "CLUSTER", "ADDSLOTSRANGE", String(from), String(to - 1));
    if (node !== first) await meet(node);
  }
  for (const node of nodes) await until(node, ["CLUSTER", "INFO"], "cluster_state:ok");

  return {
    nodes,
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    async ownerOf(key) {
      const slot = Number(await call(first, "CLUSTER", "KEYSLOT", key));
      return nodes[Math.ceil(((slot + 1) * count) / SLOTS) - 1] as RedisServer;
    },
    async addReplica(master) {
      const replica = await start();
      const id = String(await call(master, "CLUSTER", "MYID"));
      await meet(replica);
      await until(replica, ["CLUSTER", "NODES"], id);
      await call(replica, "CLUSTER", "REPLICATE", id);
      await until(replica, ["INFO", "replication"], "master_link_status:up");
      for (const node of nodes) await until(node, ["CLUSTER", "SLOTS"], String(replica.port));
      return replica;
    },
    async stop() {
      await Promise.all(started.map((node) => node.kill()));
      await Promise.all(started.map((node) => node.stop()));
    },
  };
}

/** Sends one command to one node. */
export async function call(node: RedisServer, name: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(node.url);
  client.on("error", () => {});
  try {
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

async function until(node: RedisServer, [name, ...args]: [string, ...string[]], wanted: string) {
  const client = new Redis(node.url);
  while (!JSON.stringify(await client.call(name, ...args)).includes(wanted));
  client.disconnect();
}
