import type { Diagnosis } from "@jobbers/core";
import { isRedis, openStore, schemeOf } from "./open-store.js";
import { tlsTexts } from "./tls-files.js";

/**
 * Looks at the place that a URL names, whether or not a store would open there. Makes nothing.
 *
 * @throws JobbersError `store-url-invalid`
 * @example
 * const { findings } = await diagnoseStore("redis://127.0.0.1:6379");
 */
export async function diagnoseStore(url: string): Promise<Diagnosis> {
  const scheme = schemeOf(url);
  if (isRedis(scheme)) {
    const { diagnoseRedis } = await import("@jobbers/store-redis");
    return diagnoseRedis(url, { tls: await tlsTexts(undefined) });
  }
  if (scheme === "sqlite" && url.length > "sqlite:".length && !url.includes("\0")) {
    const { diagnoseSqlite } = await import("@jobbers/store-sqlite");
    return diagnoseSqlite(url);
  }
  const store = await openStore(url);
  try {
    return await store.diagnose();
  } finally {
    await store.close();
  }
}
