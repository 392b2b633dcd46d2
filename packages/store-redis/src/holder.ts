import { Redis, type RedisOptions } from "ioredis";
import { fault, messageOf } from "./faults.js";
import type { Host, Route } from "./route.js";

/** The server that has the store at present. */
export interface Holder extends Host {
  /** What tells it from others. */
  readonly id: string;
}

/** How long one that is asked may take to connect, and to answer. */
const ASK_MS = 2_000;

/** Asks one sentinel, or one node of a cluster, who has a key now. */
export async function askHolder(route: Route, asked: Host, key: string, tls: RedisOptions["tls"]) {
  const isSentinel = route.by === "sentinel";
  const client = new Redis({
    ...asked,
    username: isSentinel ? route.sentinelUsername : route.username,
    password: isSentinel ? route.sentinelPassword : route.password,
    tls,
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: ASK_MS,
    commandTimeout: ASK_MS,
  });
  let trouble: unknown;
  client.on("error", (error: Error) => {
    trouble = error;
  });
  try {
    await client.connect();
    return isSentinel ? await askSentinel(client, route) : await askNode(client, route, asked, key);
  } catch (error) {
    throw refusalOf(trouble ?? error, route);
  } finally {
    client.disconnect();
  }
}

async function askSentinel(client: Redis, { master, url }: Route): Promise<Holder> {
  const reply = await client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master);
  if (!Array.isArray(reply)) {
    throw fault("store-url-invalid", `the sentinels of ${url} know no master of that name`);
  }
  const [host, port] = reply.map(String);
  return { host: String(host), port: Number(port), id: `${host} ${port}` };
}

async function askNode(client: Redis, { url }: Route, asked: Host, key: string): Promise<Holder> {
  const [slot, ranges] = await Promise.all([client.cluster("KEYSLOT", key), client.cluster("SLOTS")]);
  const owner = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2];
  if (!owner) throw new Error(`CLUSTERDOWN no node of ${url} has slot ${slot}`);
  const [host, port, id] = owner;
  // A cluster that does not know its own addresses leaves it to us to use the one that we came by.
  return { host: host && host !== "?" ? host : asked.host, port: Number(port), id };
}

function refusalOf(error: unknown, { by, url }: Route): unknown {
  const what = messageOf(error);
  if (by === "sentinel" && /unknown command/i.test(what)) {
    const sentence = `${url} leads to a server that is no Sentinel; write redis://HOST:PORT for a server`;
    return fault("store-url-invalid", `${sentence} (Redis: ${what})`, error);
  }
  if (by === "cluster" && /cluster support disabled/i.test(what)) {
    const sentence = `${url} leads to a server that is in no cluster; write redis://HOST:PORT for a single one`;
    return fault("store-url-invalid", `${sentence} (Redis: ${what})`, error);
  }
  if (by === "sentinel" && /WRONGPASS|NOAUTH|NOPERM|without any password/i.test(what)) {
    const sentence = `a Sentinel of ${url} refuses us; give it ?sentinel_username= and sentinel_password=`;
    return fault("store-refused", `${sentence} (Redis: ${what})`, error);
  }
  return error;
}
