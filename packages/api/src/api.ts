import type { Store } from "@jobbers/core";

/** What the API is made of. */
export interface ApiDeps {
  /** The store that it speaks for; it stays open when the API is closed. */
  readonly store: Store;
  /** Hosts by which it may be called, with or without a port; default: the names of the loopback address. `["*"]` allows any. */
  readonly hosts?: readonly string[] | undefined;
  /** Tokens (`jb_<id>_<secret>`) of which each request has to bring one; without any, none is asked for. */
  readonly tokens?: readonly string[] | undefined;
  /** Deadlines and sizes, for tests and odd networks. */
  readonly limits?: Partial<ApiLimits> | undefined;
}

/** Deadlines in milliseconds, and sizes. */
export interface ApiLimits {
  /** For each call of the store; default 5,000. */
  readonly storeMs: number;
  /** For a whole body to come in; default 10,000. */
  readonly bodyMs: number;
  /** Between two pieces of a bulk body; default 30,000. */
  readonly silenceMs: number;
  /** The longest wait of `result?wait=`; default 60,000. */
  readonly waitMs: number;
  /** Between two signs of life in a stream of events; default 15,000. */
  readonly heartbeatMs: number;
  /** The most bytes of a body, and of a line of a bulk body; default 1 MiB. */
  readonly bodyBytes: number;
  /** How much may wait for a client that does not read its stream of events; default 1 MiB. */
  readonly streamBytes: number;
}

/** The HTTP API over a store. */
export interface Api {
  /** Answers a request, as the Fetch standard has it; for `@hono/node-server`, or a client in the same process. */
  fetch(request: Request, env?: unknown): Response | Promise<Response>;
  /** Answers a path, for tests and scripts. */
  request(path: string, init?: RequestInit): Response | Promise<Response>;
  /** Ends the streams and what waits; the store stays open. */
  close(): Promise<void>;
}

/**
 * Makes the HTTP API over a store.
 *
 * @example
 * const api = createApi({ store: jobbers.store });
 * const answer = await api.request("/v1/runs", { method: "POST", body, headers: { "content-type": "application/json" } });
 */
export function createApi(_deps: ApiDeps): Api {
  throw new Error("not there yet");
}
