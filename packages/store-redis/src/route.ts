import { isIP } from "node:net";
import { fault } from "./faults.js";

/** One address of a server. */
export interface Host {
  readonly host: string;
  readonly port: number;
}

/** What a store URL says. */
export interface Route {
  /** Whom the hosts are: the server itself, sentinels that know it, or some nodes of its cluster. */
  readonly by: "server" | "sentinel" | "cluster";
  readonly isTls: boolean;
  readonly hosts: readonly [Host, ...Host[]];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  /** The name that sentinels know the master by; empty without sentinels. */
  readonly master: string;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** Without users and passwords. */
  readonly url: string;
}

const form =
  /^(?<scheme>rediss?(?:\+(?<by>sentinel|cluster))?):\/\/(?:(?<user>[^/?#]*)@)?(?<hosts>[^/?#@]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/i;

/**
 * Reads a store URL:
 *
 * - `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`
 * - `redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DB][?sentinel_username=…&sentinel_password=…]`
 * - `redis+cluster://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]`
 *
 * each with `rediss` in place of `redis` for TLS.
 *
 * @throws JobbersError `store-url-invalid`
 */
export function routeOf(target: string): Route {
  const parts = form.exec(target)?.groups;
  if (!parts) throw malformed();
  const scheme = String(parts.scheme).toLowerCase();
  const by = (parts.by?.toLowerCase() ?? "server") as Route["by"];
  const [username, password] = (parts.user ?? "").split(/:(.*)/s, 2).map(decoded);
  const { master, db } = pathOf(parts.path ?? "", by);
  return {
    by,
    isTls: scheme.startsWith("rediss"),
    hosts: hostsOf(String(parts.hosts), by),
    username: username || undefined,
    password: password || undefined,
    db,
    master,
    ...sentinelUserOf(parts.query, by),
    url: `${scheme}://${parts.hosts}${parts.path ? `/${parts.path}` : ""}`,
  };
}

function hostsOf(text: string, by: Route["by"]): Route["hosts"] {
  const [first, ...others] = text.split(",").map((each) => {
    const [, bracketed, plain, port = by === "sentinel" ? "26379" : "6379"] =
      /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(each) ?? [];
    const host = bracketed ?? plain;
    if (!host || (bracketed && !isIP(bracketed)) || Number(port) < 1 || Number(port) > 65_535)
      throw malformed();
    return { host, port: Number(port) };
  });
  if (!first || (by === "server" && others.length > 0)) throw malformed();
  return [first, ...others];
}

function pathOf(path: string, by: Route["by"]): Pick<Route, "master" | "db"> {
  const parts = path.split("/");
  const master = by === "sentinel" ? decoded(parts.shift() ?? "") : "";
  const [db = "", ...more] = parts;
  if (by === "sentinel" && master === "") throw malformed("the name of the master is missing");
  if (by === "cluster" && Number(db) > 0) throw malformed("a cluster has no numbered databases");
  if (!/^\d{0,9}$/.test(db) || more.length > 0) throw malformed();
  return { master, db: Number(db) };
}

function sentinelUserOf(query: string | undefined, by: Route["by"]) {
  const wanted = new URLSearchParams(query);
  const take = (name: string) => {
    const value = wanted.get(name) ?? undefined;
    wanted.delete(name);
    return value;
  };
  const known =
    by === "sentinel"
      ? { sentinelUsername: take("sentinel_username"), sentinelPassword: take("sentinel_password") }
      : { sentinelUsername: undefined, sentinelPassword: undefined };
  if (wanted.size > 0) throw malformed();
  return known;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("a percent sign is not followed by two hexadecimal digits");
  }
}

/** What is no URL may still hold a password, so it is not shown. */
function malformed(why = ""): Error {
  const forms =
    "write redis://HOST:PORT/DB, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT,HOST:PORT; rediss for TLS";
  return fault("store-url-invalid", `this is no URL of a Redis store${why && `: ${why}`}; ${forms}`);
}
