import fc from "fast-check";
import type { Document, Endpoint, Parameter } from "./document.js";
import { valuesOf } from "./values.js";

/** One random request. */
export interface RandomRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Names and ids that exist, which no schema can know. */
export interface Known {
  readonly ids: readonly string[];
  readonly names: readonly string[];
}

/** Random requests to one operation of the document. */
export function requestsTo(
  endpoint: Endpoint,
  document: Document,
  known: Known,
): fc.Arbitrary<RandomRequest> {
  const { method, path, operation } = endpoint;
  const parameters = operation.parameters ?? [];
  const values = fc.tuple(...parameters.map((each) => given(each, document, known)));
  return fc.tuple(values, bodies(endpoint, document, known)).map(([chosen, { type, body }]) => {
    let place = path;
    const query = new URLSearchParams();
    const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
    for (const [i, { name, in: where }] of parameters.entries()) {
      const value = chosen[i];
      if (where === "path") place = place.replace(`{${name}}`, partOf(textOf(value ?? "none")));
      else if (value === undefined) continue;
      else if (where === "query") query.append(name, textOf(value));
      else headers[name] = textOf(value).replace(/[^\x20-\x7e]/g, "?");
    }
    return { method, url: `http://localhost${place}?${query}`, headers, body };
  });
}

function given(
  { name, in: where, required, schema }: Parameter,
  document: Document,
  { ids, names }: Known,
): fc.Arbitrary<unknown> {
  const pool = name === "id" || name === "run" ? ids : ["name", "dag", "task"].includes(name) ? names : [];
  const random = valuesOf(schema, document);
  const value =
    pool.length > 0
      ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...pool) }, { weight: 1, arbitrary: random })
      : random;
  // Waiting is what they are for, and would make a test of thousands slow.
  if (name === "wait") return fc.constantFrom(undefined, "0s", "1ms", "-1s", "later", "", 5, "9999d");
  return where === "path" || required ? value : fc.option(value, { nil: undefined, freq: 2 });
}

interface Body {
  readonly type: string | undefined;
  readonly body: string | undefined;
}

function bodies(
  { method, operation }: Endpoint,
  document: Document,
  { ids, names }: Known,
): fc.Arbitrary<Body> {
  const media = Object.entries(operation.requestBody?.content ?? {});
  const none = fc.constant<Body>({ type: undefined, body: undefined });
  // `Request` refuses to make one of these with a body.
  if (method === "GET") return none;
  if (media.length === 0) return fc.oneof({ weight: 5, arbitrary: none }, { weight: 1, arbitrary: strange });
  const real = media.map(([type, { schema }]) => {
    const values = fc
      .tuple(valuesOf(schema, document), fc.constantFrom(...ids), fc.constantFrom(...names), fc.nat(3))
      .map(([value, id, name, which]) => (which === 0 ? value : withKnown(value, which, { id, name })));
    const texts = values.map((value) => JSON.stringify(value));
    const lines = fc.array(texts, { maxLength: 4 }).map((each) => each.join("\n"));
    return (type.includes("ndjson") ? lines : texts).map((body): Body => ({ type, body }));
  });
  return fc.oneof(
    { weight: 10, arbitrary: fc.oneof(...real) },
    { weight: 3, arbitrary: strange },
    { weight: 1, arbitrary: none },
  );
}

/** Most random bodies name nothing that exists, and give it what it does not take; so they are helped along. */
/** A part of a path: none is empty, and no URL keeps one of dots alone. */
function partOf(text: string): string {
  return /^\.{0,2}$/.test(text) ? "none" : encodeURIComponent(text);
}

function withKnown(value: unknown, which: number, known: { readonly id: string; readonly name: string }) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { dag: _dag, runAt: _runAt, durability: _durability, ...rest } = value as Record<string, unknown>;
  const kind = known.name === "both" ? "dag" : "task";
  const helped = { ...rest, task: undefined, [kind]: known.name };
  if (which === 1) return { ...helped, ...("id" in rest && { id: known.id }) };
  const { delay: _delay, keep: _keep, ...fitting } = helped as Record<string, unknown>;
  return { ...fitting, input: { n: 1, list: [1, 2] }, delay: "1ms" };
}

const strange: fc.Arbitrary<Body> = fc.record({
  type: fc.constantFrom(
    "application/json",
    "application/json; charset=utf-8",
    "application/x-ndjson",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "x",
    undefined,
  ),
  body: fc.oneof(
    fc.string({ unit: "binary", maxLength: 50 }),
    fc.constantFrom(
      "",
      "{",
      "null",
      '"text"',
      "[]",
      `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
      '{"__proto__":{"admin":true}}',
      '{"task":"noop","task":"other","input":{}}',
      '{"task":"noop","input":9007199254740993}',
      '{"task":"noop","input":1e999}',
      '{"task":"noop","input":"\\ud800"}',
      `{"task":"noop","input":"${"x".repeat(1_100_000)}"}`,
      "\ufeff{}",
      "\u0000",
    ),
  ),
});

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
