import type { QueuePolicy, Store } from "@jobbers/core";
import { createFeed } from "@jobbers/runs";
import type { TlsTexts } from "@jobbers/store-redis";
import { createJobbers, type Jobbers } from "./jobbers.js";
import { type BlobsOptions, withBlobsOf } from "./open-blobs.js";
import { openStore } from "./open-store.js";

/** What code says of a queue. */
export type QueueOptions = QueuePolicy;

/** How a store is connected to, beyond its URL. */
export interface ConnectOptions extends BlobsOptions {
  /** Certificates for `rediss://…`, as PEM texts. Default: the files that `JOBBERS_TLS_CA`, `JOBBERS_TLS_CERT` and `JOBBERS_TLS_KEY` name. */
  readonly tls?: TlsTexts | undefined;
  /** What code says of queues, by name; live edits go before it. Kept in the store, for everybody. */
  readonly queues?: Readonly<Record<string, QueueOptions>> | undefined;
}

/**
 * Connects to a store.
 *
 * @param url `sqlite:PATH` (the file and its directory are made where they do not exist), `memory:` (for this process only),
 * `redis://HOST:PORT`, or one of the forms for Sentinel, Cluster and TLS in docs/guides/redis.md
 * @throws JobbersError `store-url-invalid`, `store-not-a-database`, `store-too-new`, `store-busy`; with Redis also `store-unfit`,
 * `store-refused`, `store-untrusted`, and `flag-invalid` for a certificate file that cannot be read, or for what `queues`, `blobs` and `blobsFrom` do not take
 * @example
 * await using jobbers = await connect("sqlite:./jobs.db");
 * const run = await jobbers.submit(crawl, { sitemap: "https://example.org/sitemap.xml" });
 * console.log(await run.result());
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Jobbers> {
  const bare = await openStore(url, options.tls);
  const store = await withBlobsOf(bare, options).catch(async (error: unknown) => {
    await bare.close();
    throw error;
  });
  if (options.queues) await declare(store, options.queues);
  return createJobbers({ store, feed: createFeed(store) });
}

async function declare(store: Store, queues: NonNullable<ConnectOptions["queues"]>): Promise<void> {
  try {
    await store.declareQueues(Object.entries(queues).map(([name, options]) => ({ ...options, name })));
  } catch (error) {
    await store.close();
    throw error;
  }
}
