import { JobbersError, quoted, type Store } from "@jobbers/core";

/**
 * Opens the store that a URL names. Only the adapter that is meant is loaded.
 *
 * @throws JobbersError `store-url-invalid`, and whatever the store's own opening throws
 */
export async function openStore(url: string): Promise<Store> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url ?? "")?.[1]?.toLowerCase();
  if (scheme === "memory") {
    if (url === "memory:") return openSqlite(url);
    throw invalid("memory: takes nothing behind its colon");
  }
  if (scheme === "sqlite") {
    if (url.length > "sqlite:".length && !url.includes("\0")) return openSqlite(url);
    throw invalid("sqlite: needs the path of a file, as in sqlite:./jobs.db");
  }
  if (scheme === "redis" || scheme === "rediss") {
    const { openRedisStore } = await import("@jobbers/store-redis");
    return openRedisStore(url);
  }
  // The rest of a URL that has a scheme may hold a password, so it is not shown.
  const what =
    scheme === undefined
      ? `${quoted(url)} is no URL of a store`
      : `there are no ${quoted(`${scheme}:`)} stores`;
  throw invalid(`${what}; use sqlite:PATH, memory:, redis://HOST or rediss://HOST`);
}

async function openSqlite(url: string): Promise<Store> {
  const { openSqliteStore } = await import("@jobbers/store-sqlite");
  return openSqliteStore(url);
}

function invalid(message: string): JobbersError {
  return new JobbersError("store-url-invalid", message);
}
