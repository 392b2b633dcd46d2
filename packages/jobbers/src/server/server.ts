import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Api } from "@jobbers/api";
import { JobbersError, quoted, type Store } from "@jobbers/core";
import { keepInstances } from "./instances.js";

/** What a server of the HTTP API is made of. */
export interface ServerOptions {
  /** The store that it speaks for; it stays open when the server stops. */
  readonly store: Store;
  /** Where it listens; default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Default 8700; 0 picks a free one. */
  readonly port?: number | undefined;
  /** The tokens of which each request has to bring one; without any it only listens on this machine. */
  readonly tokens?: readonly string[] | undefined;
}

/** The HTTP API, listening. */
export interface JobbersServer {
  /** Where it is, as clients on this machine may call it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /**
   * Takes no new connection, ends the streams of events, and waits until all requests are answered, at most so many milliseconds;
   * what is open then is cut off.
   */
  stop(graceMs?: number): Promise<void>;
}

/** Where a server listens that is told no other place. */
export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 8700;

/** How long requests that are under way have at a stop. */
const GRACE_MS = 10_000;

/** How many ports behind one that is taken are tried, to name a free one. */
const PORTS_TRIED = 20;

/**
 * Limits of the HTTP server, so that neither slow nor idle senders hold it up: headers have 10 s, and a connection without a request
 * 65 s, a little longer than proxies keep theirs. How long a body may take is up to its route: one of many lines may go on for hours.
 */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
} as const;
const MAX_CONNECTIONS = 5_000;

/** How long what is left of a request may take when it is answered: no route reads it any more. */
const REST_MS = 5_000;

/**
 * Starts a server of the HTTP API over a store, without a worker.
 *
 * @throws JobbersError `flag-invalid` when the port is taken, or when others could reach it without a token
 * @example
 * const server = await startServer({ store: jobbers.store, port: 0 });
 * console.log(server.url);
 */
export async function startServer(options: ServerOptions): Promise<JobbersServer> {
  const { store, host = DEFAULT_HOST, port = DEFAULT_PORT, tokens = [] } = options;
  const isGuarded = tokens.length > 0;
  if (!isGuarded && !isLoopback(host)) {
    const why = `${host} can be reached from other machines, and there is no token that they would have to know`;
    throw new JobbersError("flag-invalid", `${why}; set JOBBERS_TOKENS, or listen on ${DEFAULT_HOST}`);
  }
  // Loaded late: who imports this module need not serve anything.
  const [{ createApi }, { createAdaptorServer }] = await Promise.all([
    import("@jobbers/api"),
    import("@hono/node-server"),
  ]);
  // Who has a token is no page of another site that was led here, by whatever name it calls.
  const hosts = isGuarded ? ["*"] : [...new Set([...LOOPBACK_HOSTS, bracketed(host)])];
  const api = createApi({ store, tokens, hosts });
  const natives = { Request, Response };
  const server = createAdaptorServer({ fetch: api.fetch, serverOptions: limits }) as Server;
  keepInstances(natives);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("request", hangUpOnLeftovers);
  try {
    await listen(server, host, port);
  } catch (error) {
    await api.close();
    throw await refusalOf(error as NodeJS.ErrnoException, host, port);
  }
  const { port: actual } = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  return {
    url: urlOf(host, actual),
    host,
    port: actual,
    stop(graceMs = GRACE_MS) {
      stopping ??= stop(server, api, graceMs);
      return stopping;
    },
  };
}

/** Whether only this machine can reach a server that listens there. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Names of this machine by which any server that needs no token may be called, besides the one it listens at. */
const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/** Ends the connection of who is answered, and goes on with the request as if nothing were. */
function hangUpOnLeftovers(request: IncomingMessage, response: ServerResponse): void {
  response.once("finish", () => {
    if (request.complete) return;
    const timer = setTimeout(() => request.socket.destroy(), REST_MS);
    request.once("close", () => clearTimeout(timer));
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function stop(server: Server, api: Api, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await api.close();
  // Connections that are idle now, and those that become so when their last answer is out.
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

async function refusalOf(error: NodeJS.ErrnoException, host: string, port: number): Promise<Error> {
  if (error.code === "EADDRINUSE") {
    const free = await nextFree(host, port);
    const hint = free === undefined ? "0 picks a free one" : `${free} is free, and 0 picks a free one`;
    return new JobbersError("flag-invalid", `port ${port} at ${host} is taken; ${hint}`, { cause: error });
  }
  if (error.code === "EACCES")
    return new JobbersError("flag-invalid", `this user may not listen at port ${port}`, { cause: error });
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN")
    return new JobbersError("flag-invalid", `${quoted(host)} is no address of this machine`, {
      cause: error,
    });
  return error;
}

async function nextFree(host: string, taken: number): Promise<number | undefined> {
  const { createServer } = await import("node:net");
  for (let port = taken + 1; port <= Math.min(taken + PORTS_TRIED, 65_535); port++) {
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen({ host, port }, () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
  return undefined;
}

/** A host that stands for all addresses is called by that of this machine. */
function urlOf(host: string, port: number): string {
  const callable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${bracketed(callable)}:${port}`;
}

/** A host as URLs and `Host` headers write it. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
