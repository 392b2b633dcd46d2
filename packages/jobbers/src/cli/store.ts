import { existsSync } from "node:fs";
import { JobbersError, type Queues } from "@jobbers/core";
import { connect, type Jobbers } from "../index.js";

/** What a command line says of the store. */
export interface StoreArgs {
  readonly store?: string | undefined;
  readonly blobs?: string | undefined;
  /** What the files that it loads say of queues. */
  readonly queues?: Queues | undefined;
}

/** The store of commands that are told no other. */
export const DEFAULT_STORE = "sqlite:./.jobbers/jobbers.db";

/**
 * Connects to the store that the flags name, else the environment, else the default.
 *
 * @throws JobbersError `store-url-invalid`, `store-not-a-database`, `store-too-new`
 */
export function connectStore({ store, blobs, queues }: StoreArgs): Promise<Jobbers> {
  return connect(storeUrl(store), { blobs, queues });
}

/** Which store is meant: flags, then the environment, then the default. */
export function storeUrl(flag: string | undefined): string {
  return flag ?? (process.env.JOBBERS_STORE || DEFAULT_STORE);
}

/**
 * Does something with a connection to a store that is there already: who only looks, or steers, makes no new database of a misspelt path.
 *
 * @throws JobbersError `store-url-invalid` when there is no such file
 */
export async function withExistingStore<T>(
  args: StoreArgs,
  use: (jobbers: Jobbers) => Promise<T>,
): Promise<T> {
  const url = storeUrl(args.store);
  const [, path] = /^sqlite:(.+)$/s.exec(url) ?? [];
  if (path !== undefined && !path.includes("\0") && !existsSync(path.replace(/^\/\/(?=[/.])/, ""))) {
    throw new JobbersError(
      "store-url-invalid",
      `there is no store at ${url} yet; jobbers run, worker, submit and dev make one`,
    );
  }
  return withStore({ ...args, store: url }, use);
}

/** Does something with a connection, and closes it whatever happens. */
export async function withStore<T>(args: StoreArgs, use: (jobbers: Jobbers) => Promise<T>): Promise<T> {
  const jobbers = await connectStore(args);
  try {
    return await use(jobbers);
  } finally {
    await jobbers.close();
  }
}
