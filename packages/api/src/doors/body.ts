import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { JobbersError, type JsonValue, parseJson, quoted } from "@jobbers/core";
import type { Context } from "hono";
import { pointerOf, RequestRefused } from "../problem.js";

/** How large a body may be, and how long it may take to come in. */
export interface BodyLimits {
  readonly bodyBytes: number;
  readonly bodyMs: number;
}

/**
 * Refuses bodies of another type than the route takes, and compressed ones.
 *
 * @throws JobbersError `media-type-unsupported`
 */
export function checkMediaType(c: Context, wanted: string): void {
  const type = c.req.header("content-type");
  if (type !== wanted && !isType(type, wanted))
    throw new JobbersError(
      "media-type-unsupported",
      `${c.req.path} takes ${wanted}; this is ${quoted(type ?? "")}`,
    );
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new JobbersError(
      "media-type-unsupported",
      `a body with Content-Encoding ${quoted(encoding)} is not taken`,
    );
}

/** True for the type with parameters behind it, unless they name another charset than UTF-8. */
function isType(given: string | undefined, wanted: string): boolean {
  const [type = "", ...parameters] = (given ?? "").toLowerCase().split(";");
  return (
    type.trim() === wanted &&
    parameters.every(
      (each) => !each.trim().startsWith("charset=") || /^charset="?utf-?8"?$/.test(each.trim()),
    )
  );
}

/**
 * Reads a JSON body, measured while it comes in.
 *
 * @throws JobbersError `media-type-unsupported`, `body-too-large`, `body-timeout`; RequestRefused `body-invalid`
 */
export async function readJsonBody(c: Context, limits: BodyLimits): Promise<JsonValue> {
  checkMediaType(c, "application/json");
  return parseBody(await readBody(c, limits), "the body");
}

/** Reads JSON from bytes, so that nothing in it is silently changed. */
export function parseBody(bytes: Buffer, what: string): JsonValue {
  if (!isUtf8(bytes)) throw new RequestRefused("body-invalid", `${what} is not UTF-8`);
  try {
    return parseJson(bytes.toString("utf8"), what, { uniqueKeys: true });
  } catch (error) {
    if (!(error instanceof JobbersError)) throw error;
    const path = (error.detail as { path?: readonly (string | number)[] } | undefined)?.path;
    const errors = path ? [{ pointer: pointerOf(path), detail: error.message }] : [];
    throw new RequestRefused("body-invalid", error.message, errors);
  }
}

async function readBody(c: Context, { bodyBytes, bodyMs }: BodyLimits): Promise<Buffer> {
  const length = lengthOf(c.req.header("content-length"));
  if (length !== undefined && length > bodyBytes) throw tooLarge(bodyBytes);
  const incoming = incomingOf(c);
  try {
    const bytes = await (incoming
      ? readIncoming(incoming, bodyBytes, bodyMs)
      : readStream(c.req.raw.body, bodyBytes, bodyMs));
    if (length === undefined || length === bytes.length) return bytes;
    throw new RequestRefused("body-invalid", `Content-Length is ${length}, but ${bytes.length} bytes came`);
  } catch (error) {
    if (error instanceof JobbersError) throw error;
    throw new RequestRefused("body-invalid", "the body broke off");
  }
}

/** Node's own stream of the request, where the server hands it on and nobody has read it: a web stream costs ten times as much. */
function incomingOf(c: Context): Readable | undefined {
  const { incoming } = (c.env ?? {}) as { incoming?: Readable };
  return incoming instanceof Readable && !incoming.readableDidRead ? incoming : undefined;
}

function readIncoming(incoming: Readable, maxBytes: number, ms: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      incoming.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
      settle();
    };
    const onData = (part: Buffer) => {
      size += part.length;
      parts.push(part);
      if (size > maxBytes) end(() => reject(tooLarge(maxBytes)));
    };
    const onEnd = () => end(() => resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)));
    const onBroken = () => end(() => reject(new Error("the client has gone")));
    const timer = setTimeout(() => end(() => reject(tooSlow(ms))), ms);
    incoming.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken);
    if (incoming.destroyed) onBroken();
  });
}

async function readStream(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  ms: number,
): Promise<Buffer> {
  const reader = body?.getReader();
  if (!reader) return Buffer.alloc(0);
  let isLate = false;
  const cancel = () => void reader.cancel().catch(() => undefined);
  // Cancelling ends a read that waits; without it a sender who trickles would hold it for ever.
  const timer = setTimeout(() => {
    isLate = true;
    cancel();
  }, ms);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw tooSlow(ms);
      if (done) return Buffer.concat(parts, size);
      size += value.length;
      if (size > maxBytes) {
        cancel();
        throw tooLarge(maxBytes);
      }
      parts.push(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(ms: number): JobbersError {
  return new JobbersError("body-timeout", `the body did not arrive within ${ms / 1000} s`);
}

function lengthOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** The refusal of a body that is too large. */
export function tooLarge(maxBytes: number, what = "the body"): JobbersError {
  return new JobbersError("body-too-large", `${what} has more than ${maxBytes} bytes`);
}
