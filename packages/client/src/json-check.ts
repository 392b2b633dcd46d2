import { JobbersHttpError } from "./errors.js";

/** How deeply lists and objects may be nested; the server allows as much, and so nothing circular gets past it. */
const MAX_DEPTH = 64;

/** Where a walk through a value is. */
type Place = (string | number)[];

/**
 * Refuses what `JSON.stringify` would change or drop without a word: NaN, a Date, `undefined` in a list … What else a server
 * refuses, it says itself. Properties that are `undefined` are left out, as everywhere.
 *
 * @param request what is sent; messages name its parts, as in `input.list[3] is NaN`
 * @throws JobbersHttpError `not-json`
 */
export function checkSendable(request: object): void {
  const path: Place = [];
  const what = faultIn(request, path);
  if (what === undefined) return;
  const pointer = path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  throw new JobbersHttpError({
    code: "not-json",
    detail: `${shown(path)} ${what}`,
    pointers: [{ pointer, detail: what }],
  });
}

/** What is wrong in a value, in words; the path then leads to it. */
function faultIn(value: unknown, path: Place): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `is ${value}`;
  if (typeof value === "bigint") return "is a BigInt; write it as text";
  if (value === undefined) return "is undefined";
  if (typeof value !== "object") return `is a ${typeof value}`;
  if (path.length > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels, or is a cycle`;
  if (!isPlain(value)) return `is ${classOf(value)}`;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return "has a toJSON method";
  return Array.isArray(value) ? faultInList(value, path) : faultInObject(value, path);
}

function faultInList(list: readonly unknown[], path: Place): string | undefined {
  // By index, for a hole is an element that is undefined.
  for (let i = 0; i < list.length; i++) {
    const fault = faultAt(i, list[i], path);
    if (fault) return fault;
  }
  return undefined;
}

function faultInObject(value: object, path: Place): string | undefined {
  for (const [key, part] of Object.entries(value)) {
    const fault = part === undefined ? undefined : faultAt(key, part, path);
    if (fault) return fault;
  }
  return Object.getOwnPropertySymbols(value).length > 0 ? "has a symbol as a key" : undefined;
}

function faultAt(key: string | number, part: unknown, path: Place): string | undefined {
  path.push(key);
  const fault = faultIn(part, path);
  if (fault === undefined) path.pop();
  return fault;
}

/** True for lists and for objects as `{}` makes them, those of another realm included. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function classOf(value: object): string {
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: string } }).constructor?.name;
  if (!name) return "an object of a class";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name.slice(0, 60)}`;
}

/** A path as one would write it in code: `input.list[3]["a b"]`. */
function shown(path: Place): string {
  const parts = path.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    return /^[A-Za-z_$][\w$]{0,59}$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 60))}]`;
  });
  const short = parts.length > 12 ? [...parts.slice(0, 8), " … ", ...parts.slice(-3)] : parts;
  return short.join("").replace(/^\./, "");
}
