import { type Diagnosis, type Finding, JobbersError } from "@jobbers/core";
import type { Redis } from "ioredis";
import { openClient, type Place, placeOf } from "./connection.js";
import { dataFindings } from "./diagnose-data.js";
import { serverFindings } from "./diagnose-server.js";
import { classOf } from "./faults.js";
import { type Keys, keysOf } from "./keys.js";
import type { TlsTexts } from "./tls.js";

/** Which store of a Redis is meant. */
export interface DiagnoseOptions {
  /** Default: `main`. */
  readonly namespace?: string | undefined;
  /** Certificates for `rediss://…`. */
  readonly tls?: TlsTexts | undefined;
}

/**
 * Looks at a Redis whether or not a store would open on it. Changes nothing.
 *
 * @throws JobbersError `store-url-invalid` for what is no URL
 * @example
 * const { findings } = await diagnoseRedis("redis://127.0.0.1:6379");
 */
export async function diagnoseRedis(
  url: string,
  { namespace = "main", tls }: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const place = placeOf(url, namespace, tls);
  let redis: Redis;
  try {
    redis = await openClient(place);
  } catch (error) {
    if (!(error instanceof JobbersError)) throw error;
    const sentence = `${error.message}; check the address, the network and the password`;
    return {
      store: place.url,
      findings: [{ name: "connection", level: "fail", value: "refused", sentence }],
    };
  }
  try {
    return await diagnose(redis, keysOf(namespace), place);
  } finally {
    redis.disconnect();
  }
}

/** The same over a connection that is open. */
export async function diagnose(redis: Redis, keys: Keys, { url }: Pick<Place, "url">): Promise<Diagnosis> {
  const since = performance.now();
  await redis.ping().catch((error: unknown) => {
    // A refusal has gone to the server and back as well.
    if (classOf(error) !== "degraded") throw error;
  });
  const ms = performance.now() - since;
  const isSlow = ms > 50;
  const connection: Finding = {
    name: "connection",
    level: isSlow ? "warn" : "ok",
    value: `${ms.toFixed(1)} ms`,
    sentence: isSlow
      ? `${url} takes long to answer, and every step needs at least one answer; put workers nearer to it`
      : `${url} answers quickly enough`,
  };
  return {
    store: url,
    findings: [connection, ...(await serverFindings(redis, keys, url)), ...(await dataFindings(redis, keys))],
  };
}
