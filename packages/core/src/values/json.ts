import { JobbersError } from "../errors/errors.js";
import type { JsonValue, Path } from "../plan/plan.js";
import { canonicalJson } from "./canonical-json.js";
import { tooDeep } from "./json-fault.js";
import { findRepeatedKey } from "./json-keys.js";
import { scanJson } from "./json-text.js";
import { quoted } from "./quoted.js";
import { showPath } from "./show-path.js";

export { canonicalJson } from "./canonical-json.js";
export { showPath } from "./show-path.js";

/** How deeply lists and objects may be nested: 64 is allowed, 65 is not. */
export const MAX_JSON_DEPTH = 64;

/** How many values one value may hold; stops shared parts (`b = [a, a]; c = [b, b]; …`) from unfolding without end. */
const MAX_JSON_VALUES = 20_000_000;

const MAX_MATCH_LENGTH = 1000;

/** What is wrong with a part of a value. Keys are pushed on the way back up: a path costs nothing while all is well. */
interface Fault {
  readonly what: string;
  readonly keys: (string | number)[];
  readonly limit?: "depth" | "values";
}

interface Walk {
  values: number;
  /** Something was seen that JSON writes differently: an undefined property or a minus zero. */
  altered: boolean;
  /** The keys of some object do not stand in the order of canonical JSON. */
  unsorted: boolean;
}

/** A value that was checked, and its text. */
export interface EncodedJson {
  readonly value: JsonValue;
  readonly text: string;
  /** The same value as {@link canonicalJson} writes it. */
  readonly canonical: string;
}

/**
 * Checks that JSON carries a value unchanged, and answers it.
 *
 * Two things are changed as `JSON.stringify` changes them, and then the answer is a copy: properties that are `undefined` are
 * left out, and minus zero becomes 0. All else that JSON would change or lose is refused: `undefined` elsewhere, holes in
 * lists, named properties of lists (of up to 1,000 elements), NaN, infinities, BigInt, symbols, functions, class instances
 * (Date, Map …), objects with `toJSON`, cycles, lone surrogates, `__proto__` keys, and nesting deeper than
 * {@link MAX_JSON_DEPTH}.
 *
 * @param what names the value in messages: with "input", `input.list[3].when is a Date`
 * @throws JobbersError `not-json`, with the path in its message and in `detail.path`; `value-too-large` beyond 20 M values
 * @example
 * checkJson({ a: 1, b: undefined }, "input"); // { a: 1 }
 */
export function checkJson(value: unknown, what: string): JsonValue {
  return walk(value, what).altered ? (JSON.parse(JSON.stringify(value)) as JsonValue) : (value as JsonValue);
}

/**
 * Does in one go what {@link checkJson}, {@link encodeJson} and {@link canonicalJson} do: mostly one text is both.
 *
 * @throws JobbersError `not-json` or `value-too-large`
 * @example
 * encodeWhole({ b: 1, a: 2 }, "input"); // { value: { b: 1, a: 2 }, text: '{"b":1,"a":2}', canonical: '{"a":2,"b":1}' }
 */
export function encodeWhole(value: unknown, what: string): EncodedJson {
  const { altered, unsorted } = walk(value, what);
  const text = textOf(value, what);
  const plain = (altered ? JSON.parse(text) : value) as JsonValue;
  return { value: plain, text, canonical: unsorted ? canonicalJson(plain) : text };
}

/**
 * Checks a value as {@link checkJson} does and writes it as JSON text.
 *
 * @throws JobbersError `not-json` or `value-too-large`
 * @example
 * encodeJson({ a: [1, null] }, "output of step fetch"); // '{"a":[1,null]}'
 */
export function encodeJson(value: unknown, what: string): string {
  walk(value, what);
  return textOf(value, what);
}

function textOf(value: unknown, what: string): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    // What is left to go wrong is V8's limit of 512 MB for one string.
    throw new JobbersError("value-too-large", `${what} is too large to be written as one text`, { cause });
  }
}

/**
 * Reads JSON text, so that nothing in it is silently changed: besides what is no JSON, it refuses nesting deeper than
 * {@link MAX_JSON_DEPTH} (before it parses), `__proto__` keys, lone surrogates, and numbers that do not fit: `1e999` and whole
 * numbers that would be rounded, such as 9007199254740993. Of a repeated key the last value counts,
 * unless `uniqueKeys` is set: then it is refused.
 *
 * @throws JobbersError `not-json`
 * @example
 * parseJson('{"a":[1]}', "--input"); // { a: [1] }
 */
export function parseJson(
  text: string,
  what: string,
  { uniqueKeys = false }: { readonly uniqueKeys?: boolean | undefined } = {},
): JsonValue {
  const problem = scanJson(text, MAX_JSON_DEPTH);
  if (problem) throw new JobbersError("not-json", `${what} ${problem}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new JobbersError("not-json", `${what} is not JSON: ${(cause as Error).message}`);
  }
  if (uniqueKeys) checkKeys(text, what);
  return checkJson(value, what);
}

function checkKeys(text: string, what: string): void {
  const found = findRepeatedKey(text);
  if (!found) return;
  const { path, key, character } = found;
  const where = `${what}${showPath(path)}`;
  const message = `${where} has the key ${quoted(key)} twice (at character ${character}); leave one of them out`;
  throw new JobbersError("not-json", message, { detail: { path } });
}

/** Throws for what JSON cannot carry; answers what was seen. */
function walk(value: unknown, what: string): Walk {
  const state: Walk = { values: 0, altered: false, unsorted: false };
  let fault: Fault | undefined;
  try {
    fault = find(value, 0, state);
  } catch (cause) {
    throw new JobbersError("not-json", `${what} threw while it was read (a getter or a Proxy?)`, { cause });
  }
  if (!fault) return state;
  let path: Path = fault.keys.reverse();
  let problem = fault.what;
  if (fault.limit === "depth") [path, problem] = tooDeep(value, what, path, MAX_JSON_DEPTH);
  const code = fault.limit === "values" ? "value-too-large" : "not-json";
  throw new JobbersError(code, `${what}${showPath(path)} ${problem}`, { detail: { path } });
}

function find(value: unknown, depth: number, state: Walk): Fault | undefined {
  if (++state.values > MAX_JSON_VALUES)
    return fault(`makes it more than ${MAX_JSON_VALUES} values`, "values");
  switch (typeof value) {
    case "string":
      return isWellFormed(value) ? undefined : fault("holds half of a surrogate pair, which is no character");
    case "number":
      if (!Number.isFinite(value)) return fault(`is ${value}`);
      if (value === 0 && Object.is(value, -0)) state.altered = true;
      return undefined;
    case "boolean":
      return undefined;
    case "object":
      if (value === null) return undefined;
      if (depth === MAX_JSON_DEPTH) return fault("", "depth");
      if (typeof (value as { toJSON?: unknown }).toJSON === "function" && isPlain(value))
        return fault("has a toJSON method");
      return Array.isArray(value)
        ? findInList(value, depth + 1, state)
        : findInObject(value, depth + 1, state);
    case "undefined":
      return fault("is undefined");
    case "bigint":
      return fault("is a BigInt; write it as text");
    default:
      return fault(`is a ${typeof value}`);
  }
}

function findInList(list: readonly unknown[], depth: number, state: Walk): Fault | undefined {
  for (let i = 0; i < list.length; i++) {
    const found = find(list[i], depth, state);
    if (found) return under(found, i);
  }
  // Holes were found as undefined, so whatever is over is a named property, as on what `text.match()` answers. Only lists as
  // short as those are looked at: naming the keys of a million elements takes longer than all the rest.
  const keys = list.length <= MAX_MATCH_LENGTH ? Object.keys(list) : [];
  if (keys.length > list.length) return fault(`is a list with a property of its own, ${quoted(keys.at(-1))}`);
  return isPlain(list) ? undefined : fault(`is ${className(list)}`);
}

function findInObject(value: object, depth: number, state: Walk): Fault | undefined {
  if (!isPlain(value)) return fault(`is ${className(value)}`);
  let before = "";
  for (const key of Object.keys(value)) {
    const part = (value as Record<string, unknown>)[key];
    if (part === undefined) {
      state.altered = true;
      continue;
    }
    if (key < before) state.unsorted = true;
    before = key;
    const found = find(part, depth, state);
    if (found) return under(found, key);
    if (key === "__proto__") return fault('has a key "__proto__"');
    if (!isWellFormed(key))
      return fault("has a key that holds half of a surrogate pair, which is no character");
  }
  if (Object.getOwnPropertySymbols(value).length > 0) return fault("has a symbol as a key");
  return undefined;
}

function fault(what: string, limit?: "depth" | "values"): Fault {
  return limit ? { what, keys: [], limit } : { what, keys: [] };
}

function under(found: Fault, key: string | number): Fault {
  found.keys.push(key);
  return found;
}

/** True for lists and for objects as `{}` makes them, those of another realm (`node:vm`) included. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return true;
  if (Array.isArray(value)) return Array.isArray(prototype) && Object.hasOwn(prototype, "concat");
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function className(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  if (typeof name !== "string" || name === "") return "an object of a class";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name.slice(0, 60)}`;
}

// In Node since 20, in TypeScript's library only from ES2024 on.
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
