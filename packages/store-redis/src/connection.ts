import { Redis, type RedisOptions } from "ioredis";
import { fault, faultOf, messageOf } from "./faults.js";

/** Where a store is. */
export interface Place {
  /** Without user and password. */
  readonly url: string;
  /** As it was given. */
  readonly target: string;
  readonly namespace: string;
}

/** The longest that a call waits for its reply; then its outcome is unknown. */
export const CALL_MS = 15_000;

const CONNECT_MS = 10_000;

/**
 * Reads a store URL: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, or `rediss:` for TLS.
 *
 * @throws JobbersError `store-url-invalid`
 */
export function placeOf(target: string, namespace: string): Place {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  const scheme = url?.protocol;
  const isValid =
    (scheme === "redis:" || scheme === "rediss:") &&
    url?.hostname &&
    /^\/?\d*$/.test(url.pathname) &&
    !url.search;
  if (!url || !isValid) {
    // What is no URL may still hold a password, so it is not shown.
    throw fault(
      "store-url-invalid",
      "this is no URL of a Redis store; write redis://HOST:PORT/DB, or rediss:// for TLS",
    );
  }
  return { url: `${scheme}//${url.host}${url.pathname === "/" ? "" : url.pathname}`, target, namespace };
}

/** How connections behave, apart from what the URL says. */
function optionsOf(isOpen: () => boolean, options: RedisOptions): RedisOptions {
  return {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // Commands wait for the connection; `commandTimeout` ends their wait.
    maxRetriesPerRequest: null,
    commandTimeout: CALL_MS,
    keepAlive: 10_000,
    // While it is being opened, a first failure is told at once.
    retryStrategy: (times) =>
      isOpen() ? Math.min(2_000, 50 * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2) + 20 : null,
    // A master that became a replica: the new one is found by connecting again.
    reconnectOnError: (error) => (/^READONLY/.test(error.message) ? 2 : false),
    ...options,
  };
}

/** Opens a connection; from then on it mends itself. */
export async function openClient({ target, url }: Place, options: RedisOptions = {}): Promise<Redis> {
  let isOpen = false;
  let trouble: unknown;
  const redis = new Redis(target, { ...optionsOf(() => isOpen, options), replyMapping: "legacy" });
  // Without a listener, an error on a socket would end the process.
  redis.on("error", (error: Error) => {
    trouble = error;
  });
  try {
    await redis.connect();
    isOpen = true;
    return redis;
  } catch (error) {
    redis.disconnect();
    throw refusal(trouble ?? error, url);
  }
}

function refusal(error: unknown, url: string): unknown {
  const what = messageOf(error);
  if (/WRONGPASS|NOAUTH|NOPERM|invalid password|without any password/i.test(what)) {
    return fault("store-refused", `${url} refuses the user or password of its URL (Redis: ${what})`, error);
  }
  if (/DB index is out of range|invalid DB index/i.test(what)) {
    return fault("store-url-invalid", `${url} has no such database (Redis: ${what})`, error);
  }
  const known = faultOf(error, url);
  return known === error ? fault("store-busy", `${url} cannot be reached: ${what}`, error) : known;
}
