/**
 * Every answer is made here, headers and all, as a plain object: servers send those as they are, while headers that are set
 * on a finished answer cost as much as the rest of a small request.
 */
const SAFE = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

const JSON_HEADERS = { ...SAFE, "content-type": "application/json" };

type Extra = Readonly<Record<string, string>>;

/** An answer of JSON text. */
export function jsonText(text: string, status = 200, extra?: Extra): Response {
  return new Response(text, { status, headers: extra ? { ...JSON_HEADERS, ...extra } : JSON_HEADERS });
}

/** An answer of a JSON value; the type says which. */
export function json<T>(value: T, status = 200, extra?: Extra): Response {
  return jsonText(JSON.stringify(value), status, extra);
}

/** An answer that is sent while it is made. */
export function streamed(body: ReadableStream<Uint8Array>, type: string): Response {
  // Proxies that collect answers before they send them on would hold back what is told line by line.
  return new Response(body, { headers: { ...SAFE, "content-type": type, "x-accel-buffering": "no" } });
}

/** An answer without a body. */
export function empty(status: number, extra?: Extra): Response {
  return new Response(null, { status, headers: { ...SAFE, ...extra } });
}

/** A page or style sheet of our own: nothing from elsewhere, no script at all, in nobody's frame. */
export function ownText(text: string, type: string): Response {
  const policy =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return new Response(text, {
    headers: { ...SAFE, "content-type": `${type}; charset=utf-8`, "content-security-policy": policy },
  });
}
