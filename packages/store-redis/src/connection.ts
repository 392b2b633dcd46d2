import { JobbersError } from "@jobbers/core";
import { Redis, type RedisOptions } from "ioredis";
import { fault, faultOf, messageOf } from "./faults.js";
import { followerOf } from "./follower.js";
import { keysOf } from "./keys.js";
import { type Route, routeOf } from "./route.js";
import { checkTls, type TlsTexts, tlsOf, untrusted } from "./tls.js";

/** Where a store is. */
export interface Place {
  /** Without user and password. */
  readonly url: string;
  /** As it was given. */
  readonly target: string;
  readonly namespace: string;
  readonly tls: TlsTexts;
}

/** The longest that a call waits for its reply; then its outcome is unknown. */
export const CALL_MS = 15_000;

const CONNECT_MS = 10_000;

/**
 * Reads a store URL, in one of the forms of {@link routeOf}.
 *
 * @throws JobbersError `store-url-invalid`, `store-untrusted` for what is no certificate
 */
export function placeOf(target: string, namespace: string, tls: TlsTexts = {}): Place {
  checkTls(tls);
  return { url: routeOf(target).url, target, namespace, tls };
}

/** How connections behave, whatever the URL says. */
function optionsOf(isOpen: () => boolean): RedisOptions {
  return {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // Commands wait for the connection; `commandTimeout` ends their wait.
    maxRetriesPerRequest: null,
    commandTimeout: CALL_MS,
    keepAlive: 10_000,
    // A user with the least rights may not send it, and each try would stand in the server's ACL LOG.
    disableClientInfo: true,
    // While it is being opened, a first failure is told at once.
    retryStrategy: (times) =>
      isOpen() ? Math.min(2_000, 50 * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2) + 20 : null,
  };
}

/** Whom to connect to, and as whom. */
function addressOf(route: Route, { namespace, tls: texts }: Place): RedisOptions {
  const { username, password, db } = route;
  const tls = route.isTls ? tlsOf(texts) : undefined;
  const common = { username, password, db, tls };
  if (route.by === "server") {
    return { ...route.hosts[0], ...common, reconnectOnError: reconnectOn(/^READONLY/) };
  }
  return {
    ...common,
    Connector: followerOf(route, keysOf(namespace).clock, tls),
    reconnectOnError: reconnectOn(/^(READONLY|MOVED)/),
  };
}

/** The store is with another server now, which is found by connecting again; the call is then sent there. */
function reconnectOn(error: RegExp): RedisOptions["reconnectOnError"] {
  return ({ message }) => (error.test(message) ? 2 : false);
}

/** Opens a connection; from then on it mends itself. */
export async function openClient(place: Place, options: RedisOptions = {}): Promise<Redis> {
  let isOpen = false;
  let trouble: unknown;
  const route = routeOf(place.target);
  const redis = new Redis({
    ...optionsOf(() => isOpen),
    ...addressOf(route, place),
    ...options,
    replyMapping: "legacy",
  });
  // Without a listener, an error on a socket would end the process.
  redis.on("error", (error: Error) => {
    trouble = error;
  });
  for (let tries = 1; ; tries++) {
    try {
      await redis.connect();
      // Left to itself, the client goes on in database 0 where it is refused the one that was asked for.
      if (route.db > 0) await redis.select(route.db);
      isOpen = true;
      return redis;
    } catch (error) {
      // Without trouble there was a server, but not the master that a guide took it for; the next guide may know better.
      if (!trouble && tries < route.hosts.length) continue;
      redis.disconnect();
      const isMisled = !trouble && route.by !== "server";
      if (isMisled) throw fault("store-busy", `${route.url} leads to no master at present`, error);
      throw refusal(trouble ?? error, route);
    }
  }
}

function refusal(error: unknown, { url, isTls }: Route): unknown {
  if (error instanceof JobbersError) return error;
  const what = messageOf(error);
  if (/WRONGPASS|NOAUTH|NOPERM|invalid password|without any password/i.test(what)) {
    return fault("store-refused", `${url} refuses the user or password of its URL (Redis: ${what})`, error);
  }
  if (/DB index is out of range|invalid DB index/i.test(what)) {
    return fault("store-url-invalid", `${url} has no such database (Redis: ${what})`, error);
  }
  const distrust = untrusted(error, url);
  if (distrust) return distrust;
  const known = faultOf(error, url);
  // How a server behaves that speaks TLS, or does not, against our expectation.
  if (known !== error && !/Connection is closed|ECONNRESET|connect ETIMEDOUT/.test(what)) return known;
  const hint = isTls
    ? "; where it expects no TLS, write redis in place of rediss"
    : "; where it expects TLS, write rediss in place of redis";
  return fault("store-busy", `${url} cannot be reached: ${what}${hint}`, error);
}
