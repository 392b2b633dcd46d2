import { join } from "node:path";
import { JobbersError } from "jobbers";
import type { FaultKind } from "./fault.js";
import { openRedisUnderTest } from "./redis-faults.js";

/** A store to be tested, and what can be done to it. */
export interface StoreUnderTest {
  /** For the bench itself: the store, with nothing in between. */
  readonly url: string;
  /** For workers and submitter: the store as they are to see it. */
  readonly clientUrl: string;
  readonly faults: readonly FaultKind[];
  /** True where one stopped process can keep all others from the store, because it may hold the lock. */
  readonly isShared: boolean;
  close(): Promise<void>;
}

/** What the flags say about the store. */
export interface StoreChoice {
  readonly url: string | undefined;
  readonly folder: string;
  readonly appendfsync: "always" | "everysec";
}

/**
 * Prepares the store that a URL names: `sqlite:PATH` (default: a file in the folder), `redis://…`, or `redis:spawn` for a
 * server of its own, to which much more can be done.
 *
 * @throws JobbersError `store-url-invalid` for `memory:`, which ends with its process
 */
export async function openUnderTest({ url, folder, appendfsync }: StoreChoice): Promise<StoreUnderTest> {
  if (url?.startsWith("redis")) return openRedisUnderTest(url, { folder, appendfsync });
  if (url?.startsWith("memory:"))
    throw new JobbersError(
      "store-url-invalid",
      "memory: ends with its process, so nothing can be killed around it",
    );
  const file = url ?? `sqlite:${join(folder, "crash.db")}`;
  return { url: file, clientUrl: file, faults: [], isShared: true, close: async () => {} };
}
