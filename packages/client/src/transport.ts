import type { ErrorCode } from "@jobbers/core";
import { JobbersHttpError } from "./errors.js";
import { backoffMs, pause } from "./pause.js";
import { errorOf } from "./problem.js";

/** How requests are sent; `app.fetch` of an API in the same process serves too. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** Sends requests to one server, again where that may help. */
export interface Transport {
  /** Where the server is, for messages. */
  readonly url: string;
  /**
   * Sends a request until it is answered with success, or with a refusal that will not change, or its time is over. So it is only
   * for what may be executed twice: each request that creates something carries an id.
   *
   * @throws JobbersHttpError, or the signal's reason
   */
  send(call: Call): Promise<Response>;
  /** Sends a request and reads its answer; an answer that cannot be read, as one that is cut off, counts as none: it is sent again. */
  read<T>(call: Call, reader: (response: Response) => Promise<T>): Promise<T>;
  /**
   * The same for an answer that is JSON.
   *
   * @throws JobbersHttpError `answer-unexpected` at once where it says that it is something else
   */
  json<T>(call: Call): Promise<T>;
}

/** One request, as often as it is sent. */
export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | undefined;
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>> | undefined;
  /** A value to send as JSON, or text whose type is said. */
  readonly body?: { readonly json: unknown } | { readonly text: string; readonly type: string } | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How much longer than usual the server may take, in milliseconds: it waits for something by request. */
  readonly patienceMs?: number | undefined;
  /** True: one try, whose answer is a stream; it has to begin in time, and may take as long as it likes. */
  readonly once?: boolean | undefined;
}

/** A parameter of a query; lists are sent with commas, and what is undefined not at all. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** What makes a transport. */
export interface TransportOptions {
  readonly url: string;
  readonly token?: string | undefined;
  readonly fetch: Fetch;
  /** How long a call may take, all its tries and pauses together. */
  readonly timeoutMs: number;
}

/** How long one try may take, so that a connection which went dead does not use up the time of all. */
const TRY_MS = 10_000;

/** What may be answered otherwise a moment later. */
const passing = new Set([408, 429, 502, 503, 504]);

/**
 * Makes the transport of a client.
 *
 * @throws TypeError for a token that no header can carry; its message does not show it
 */
export function createTransport({ url, token, fetch, timeoutMs }: TransportOptions): Transport {
  const authorization = token === undefined ? undefined : bearer(token);
  const requestOf = (call: Call, text: string | undefined, signal: AbortSignal) => {
    const { method = call.body ? "POST" : "GET", body } = call;
    const headers = new Headers({ accept: "application/json", ...call.headers });
    if (authorization !== undefined) headers.set("authorization", authorization);
    if (body) headers.set("content-type", "json" in body ? "application/json" : body.type);
    return new Request(addressOf(url, call), {
      method,
      headers,
      ...(text !== undefined && { body: text }),
      signal,
    });
  };

  // The requests that are under way: who collects one loses the signal with it, which it only passes on.
  const held = new Set<Request>();

  /** One try; what it throws is a refusal of the server's, `server-unreachable`, or the caller's own signal. */
  const attempt = async <T>(
    call: Call,
    text: string | undefined,
    tryMs: number,
    read: (r: Response) => Promise<T>,
  ) => {
    const clock = startClock(tryMs, call.signal);
    const request = requestOf(call, text, clock.signal);
    held.add(request);
    try {
      const response = await fetch(request);
      if (response.ok) return await read(response);
      throw await errorOf(response);
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw error instanceof JobbersHttpError ? error : unreachable(url, error);
    } finally {
      clock.stop();
      held.delete(request);
    }
  };

  const untilAnswered = async <T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> => {
    call.signal?.throwIfAborted();
    // Before any try: what cannot be written as JSON is no fault of the server's, and would be none the next time.
    const text = textOf(call);
    if (call.once) return attempt(call, text, TRY_MS, read);
    const patienceMs = call.patienceMs ?? 0;
    let endMs = performance.now() + timeoutMs;
    for (let failures = 1; ; failures++) {
      const leftMs = endMs - performance.now();
      try {
        return await attempt(call, text, Math.max(1, Math.min(leftMs, TRY_MS) + patienceMs), read);
      } catch (error) {
        if (!(error instanceof JobbersHttpError) || !isPassing(error)) throw error;
        // What a server waited by request is none of the time that it was away.
        if (failures === 1 && patienceMs > 0) endMs = performance.now() + timeoutMs;
        const delayMs = delayWithin(endMs - performance.now(), failures, error.retryAfterMs);
        // The last answer says more than "time is over" would.
        if (delayMs === undefined) throw error;
        await pause(delayMs, call.signal);
      }
    }
  };

  return {
    url,
    send: (call) => untilAnswered(call, async (response) => response),
    read: untilAnswered,
    json: <T>(call: Call) =>
      untilAnswered(call, (response) => {
        checkType(response, "json");
        return response.json() as Promise<T>;
      }),
  };
}

/** The pause before the next try, shortened where it would use up what is left of the time; none where there is no point in one. */
function delayWithin(leftMs: number, failures: number, askedMs: number | undefined): number | undefined {
  const delayMs = backoffMs(failures, askedMs);
  if (delayMs < leftMs) return delayMs;
  return askedMs === undefined && leftMs > LAST_MS ? leftMs / 2 : undefined;
}

/** Where less is left than this, another try would have no time to be answered. */
const LAST_MS = 200;

/** Codes of refusals that carry such a status, but stay as they are. */
const lasting = new Set<ErrorCode>(["step-timeout", "not-replicated", "queue-full"]);

/** True for errors after which the same request may well succeed. */
export function isPassing(error: JobbersHttpError): boolean {
  // Also what is answered with a 5xx by something that is no API: a proxy, or a server that is just dying.
  if (error.status === undefined || error.code === "server-unreachable") return true;
  return passing.has(error.status) && !lasting.has(error.code);
}

/**
 * Refuses a success of another type than what was asked for: a login page, say, which would be the same the next time.
 *
 * @throws JobbersHttpError `answer-unexpected`
 */
export function checkType({ status, headers, url }: Response, wanted: "json" | "event-stream"): void {
  const type = headers.get("content-type");
  if (type === null || type.includes(wanted)) return;
  const where = url === "" ? "the server" : new URL(url).origin;
  const detail = `${where} answered with ${type.slice(0, 60)} instead of ${wanted === "json" ? "JSON" : "events"}`;
  throw new JobbersHttpError({ code: "answer-unexpected", status, detail });
}

function textOf({ body }: Call): string | undefined {
  return body && ("json" in body ? JSON.stringify(body.json) : body.text);
}

/** The platform's own refusal of a header would show the token. */
function bearer(token: string): string {
  const trimmed = token.trim();
  if (/^[\x21-\x7e]+$/.test(trimmed)) return `Bearer ${trimmed}`;
  throw new TypeError("the token has characters in it that none has; it takes jb_<id>_<secret>");
}

function addressOf(base: string, { path, query = {} }: Call): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  return `${base}${path}${parameters.size > 0 ? `?${parameters}` : ""}`;
}

/**
 * A signal that aborts after a time or with the caller's, and can be stopped before: `AbortSignal.timeout` would run on, and
 * under `AbortSignal.any` it is lost with the next garbage collection (Node 20).
 */
function startClock(ms: number, outer: AbortSignal | undefined) {
  const ending = new AbortController();
  const leave = () => ending.abort(outer?.reason);
  if (outer?.aborted) leave();
  outer?.addEventListener("abort", leave, { once: true });
  const timer = setTimeout(
    () => ending.abort(new DOMException("no answer in time", "TimeoutError")),
    Math.min(ms, 2 ** 31 - 1),
  );
  const stop = () => {
    clearTimeout(timer);
    outer?.removeEventListener("abort", leave);
  };
  return { signal: ending.signal, stop };
}

function unreachable(url: string, cause: unknown): JobbersHttpError {
  const detail = `the server at ${url} cannot be reached: ${reasonOf(cause)}`;
  return new JobbersHttpError({ code: "server-unreachable", detail }, { cause });
}

/** What went wrong, from the innermost error that says something: `fetch` itself only says that it failed. */
function reasonOf(thrown: unknown): string {
  const { message, cause, code, errors } = (thrown ?? {}) as {
    message?: string;
    cause?: unknown;
    code?: string;
    errors?: readonly unknown[];
  };
  const inner = cause ?? errors?.[0];
  if (inner !== undefined && inner !== null) return reasonOf(inner);
  return message || code || String(thrown);
}
