import { connect, type Jobbers } from "../index.js";

/** The store of commands that are told no other. */
export const DEFAULT_STORE = "sqlite:./.jobbers/jobbers.db";

/**
 * Connects to the store that the flag names, else the environment, else the default.
 *
 * @throws JobbersError `store-url-invalid`, `store-not-a-database`, `store-too-new`
 */
export function connectStore(flag: string | undefined): Promise<Jobbers> {
  return connect(storeUrl(flag));
}

/** Which store is meant: flags, then the environment, then the default. */
export function storeUrl(flag: string | undefined): string {
  return flag ?? (process.env.JOBBERS_STORE || DEFAULT_STORE);
}

/** Does something with a connection, and closes it whatever happens. */
export async function withStore<T>(
  flag: string | undefined,
  use: (jobbers: Jobbers) => Promise<T>,
): Promise<T> {
  const jobbers = await connectStore(flag);
  try {
    return await use(jobbers);
  } finally {
    await jobbers.close();
  }
}
