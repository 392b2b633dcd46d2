import type { Store } from "@jobbers/core";
import { openClient, placeOf } from "./connection.js";
import { keysOf } from "./keys.js";
import { checkServer } from "./schema.js";
import { createStore } from "./store.js";
import type { TlsTexts } from "./tls.js";

export { type DiagnoseOptions, diagnoseRedis } from "./diagnose.js";
export type { TlsTexts } from "./tls.js";

/** How a Redis store is opened. */
export interface RedisStoreOptions {
  /** Which of several stores in one Redis; part of every key. Default: `main`. */
  readonly namespace?: string | undefined;
  /** About how many events the feed keeps; default 100,000. */
  readonly eventsKept?: number | undefined;
  /** How long a submission with durability `replica` waits for a replica, in milliseconds, 1 to 10,000; default 2,000. */
  readonly replicaMs?: number | undefined;
  /** Certificates for `rediss://…`; not used without TLS. */
  readonly tls?: TlsTexts | undefined;
  /** For tests: milliseconds since 1970, in place of the server's own clock. A renewal thread always goes by the server's. */
  readonly clock?: (() => number) | undefined;
}

const EVENTS_KEPT = 100_000;
const NAMESPACE = "main";
const REPLICA_MS = 2_000;
/** `WAIT` must answer before the connection takes silence for trouble; and 0 would wait for ever. */
const LONGEST_REPLICA_MS = 10_000;

/**
 * Opens a store on a Redis of version 7.0 or newer, which any number of processes on any number of machines may share.
 *
 * @param url `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, `redis+sentinel://HOST,HOST/MASTER[/DB]` or `redis+cluster://HOST,HOST`, each
 * with `rediss` for TLS; docs/guides/redis.md says more
 * @throws JobbersError `store-url-invalid`; `store-refused` for a wrong password; `store-untrusted` for a certificate; `store-unfit` for
 * a server that evicts, is a replica, is too old or is another node of a cluster; `store-not-a-database` when another program's keys stand in Jobbers' place; `store-too-new`;
 * `store-busy` when it cannot be reached. A refused server is not touched.
 * @example
 * const store = await openRedisStore("redis://127.0.0.1:6379");
 */
export async function openRedisStore(url: string, options: RedisStoreOptions = {}): Promise<Store> {
  const { namespace = NAMESPACE, eventsKept = EVENTS_KEPT, replicaMs = REPLICA_MS, clock, tls } = options;
  const place = placeOf(url, namespace, tls);
  const keys = keysOf(namespace);
  const redis = await openClient(place);
  try {
    await checkServer(redis, keys, place.url);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return createStore({
    ...{ redis, place, keys, clock },
    eventsKept: Math.max(1, eventsKept),
    replicaMs: Math.min(LONGEST_REPLICA_MS, Math.max(1, Math.floor(replicaMs))),
  });
}
