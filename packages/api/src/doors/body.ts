import { isUtf8 } from "node:buffer";
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
    // Repeated keys: once parseJson can refuse them, this is the place to ask for it.
    return parseJson(bytes.toString("utf8"), what);
  } catch (error) {
    if (!(error instanceof JobbersError)) throw error;
    const path = (error.detail as { path?: readonly (string | number)[] } | undefined)?.path;
    const errors = path ? [{ pointer: pointerOf(path), detail: error.message }] : [];
    throw new RequestRefused("body-invalid", error.message, errors);
  }
}

async function readBody(c: Context, { bodyBytes, bodyMs }: BodyLimits): Promise<Buffer> {
  const { raw } = c.req;
  const length = lengthOf(c.req.header("content-length"));
  if (length !== undefined && length > bodyBytes) throw tooLarge(bodyBytes);
  const stopping = new AbortController();
  const read = isHeldToLength(c, length)
    ? raw.arrayBuffer().then((all) => Buffer.from(all))
    : measured(raw, bodyBytes, stopping.signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new JobbersError("body-timeout", `the body did not arrive within ${bodyMs / 1000} s`));
      stopping.abort();
    }, bodyMs);
  });
  try {
    const bytes = await Promise.race([read, late]);
    if (length === undefined || length === bytes.length) return bytes;
    throw new RequestRefused("body-invalid", `Content-Length is ${length}, but ${bytes.length} bytes came`);
  } catch (error) {
    if (error instanceof JobbersError) throw error;
    throw new RequestRefused("body-invalid", "the body broke off");
  } finally {
    clearTimeout(timer);
  }
}

/** Node's own parser holds who speaks HTTP to the length they gave; then the quick way of reading is as safe. */
function isHeldToLength(c: Context, length: number | undefined): boolean {
  const incoming = (c.env as { incoming?: { httpVersion?: unknown } } | undefined)?.incoming;
  return length !== undefined && incoming?.httpVersion === "1.1";
}

function lengthOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

async function measured(request: Request, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const reader = request.body?.getReader();
  if (!reader) return Buffer.alloc(0);
  // Cancelling ends a read that waits; without it a sender who trickles would hold it for ever.
  const cancel = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts, size);
    size += value.length;
    if (size > maxBytes) {
      cancel();
      throw tooLarge(maxBytes);
    }
    parts.push(value);
  }
}

/** The refusal of a body that is too large. */
export function tooLarge(maxBytes: number, what = "the body"): JobbersError {
  return new JobbersError("body-too-large", `${what} has more than ${maxBytes} bytes`);
}
