import { type QueueDefaults, type Queues, queueDefaultsOf, type Store } from "@jobbers/core";
import { createFeed } from "@jobbers/runs";
import type { TlsTexts } from "@jobbers/store-redis";
import { createJobbers, type Jobbers } from "./jobbers.js";
import { type BlobsOptions, withBlobsOf } from "./open-blobs.js";
import { openStore } from "./open-store.js";

/** How a store is connected to, beyond its URL. */
export interface ConnectOptions extends BlobsOptions {
  /** Certificates for `rediss://…`, as PEM texts. Default: the files that `JOBBERS_TLS_CA`, `JOBBERS_TLS_CERT` and `JOBBERS_TLS_KEY` name. */
  readonly tls?: TlsTexts | undefined;
  /**
   * What code says of queues, by name: policy and limits. Live edits go before it. Kept in the store, for everybody, until the next
   * connection that names the queue says something else.
   */
  readonly queues?: Queues | undefined;
}

/**
 * Connects to a store.
 *
 * @param url `sqlite:PATH` (the file and its directory are made where they do not exist), `memory:` (for this process only),
 * `redis://HOST:PORT`, or one of the forms for Sentinel, Cluster and TLS in docs/guides/redis.md
 * @throws JobbersError `store-url-invalid`, `store-not-a-database`, `store-too-new`, `store-busy`; with Redis also `store-unfit`,
 * `store-refused`, `store-untrusted`, and `flag-invalid` for a certificate file that cannot be read, or for what `queues`, `blobs` and `blobsFrom` do not take; `definition-invalid` for a limit in `queues`
 * @example
 * await using jobbers = await connect("sqlite:./jobs.db");
 * const run = await jobbers.submit(crawl, { sitemap: "https://example.org/sitemap.xml" });
 * console.log(await run.result());
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Jobbers> {
  const queues = options.queues && queueDefaultsOf(options.queues);
  const bare = await openStore(url, options.tls);
  const store = await withBlobsOf(bare, options).catch(async (error: unknown) => {
    await bare.close();
    throw error;
  });
  if (queues) await declare(store, queues);
  return createJobbers({ store, feed: createFeed(store) });
}

async function declare(store: Store, queues: readonly QueueDefaults[]): Promise<void> {
  try {
    await store.declareQueues(queues);
  } catch (error) {
    await store.close();
    throw error;
  }
}
