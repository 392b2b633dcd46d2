import { JobbersError, quoted, type Store } from "@jobbers/core";
import type { TlsTexts } from "@jobbers/store-redis";
import { tlsTexts } from "./tls-files.js";

/** Schemes of Redis stores: a server, or what leads to one. */
const redis = /^rediss?(\+sentinel|\+cluster)?$/;

/**
 * Opens the store that a URL names. Only the adapter that is meant is loaded.
 *
 * @throws JobbersError `store-url-invalid`, and whatever the store's own opening throws
 */
export async function openStore(url: string, tls?: TlsTexts): Promise<Store> {
  const scheme = schemeOf(url);
  if (scheme === "memory") {
    if (url === "memory:") return openSqlite(url);
    throw invalid("memory: takes nothing behind its colon");
  }
  if (scheme === "sqlite") {
    if (url.length > "sqlite:".length && !url.includes("\0")) return openSqlite(url);
    throw invalid("sqlite: needs the path of a file, as in sqlite:./jobs.db");
  }
  if (isRedis(scheme)) {
    const { openRedisStore } = await import("@jobbers/store-redis");
    return openRedisStore(url, { tls: await tlsTexts(tls) });
  }
  // The rest of a URL that has a scheme may hold a password, so it is not shown.
  const what =
    scheme === undefined
      ? `${quoted(url)} is no URL of a store`
      : `there are no ${quoted(`${scheme}:`)} stores`;
  throw invalid(`${what}; use sqlite:PATH, memory:, redis://HOST or rediss://HOST`);
}

/** What stands before the first colon of a URL, in lower case. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url ?? "")?.[1]?.toLowerCase();
}

/** Whether a scheme is that of a Redis store. */
export function isRedis(scheme: string | undefined): boolean {
  return scheme !== undefined && redis.test(scheme);
}

async function openSqlite(url: string): Promise<Store> {
  const { openSqliteStore } = await import("@jobbers/store-sqlite");
  return openSqliteStore(url);
}

function invalid(message: string): JobbersError {
  return new JobbersError("store-url-invalid", message);
}
