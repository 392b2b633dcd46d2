import { quoted } from "../values/quoted.js";

const MAX_KEYS = 10;

/** Shows something thrown that is no error: a text as it is, an object by its first properties. Never throws. */
export function showThrown(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (typeof thrown === "symbol") return String(thrown);
  if (thrown === null || typeof thrown !== "object") return quoted(thrown);
  try {
    return showObject(thrown as Readonly<Record<string, unknown>>);
  } catch {
    return "an object that cannot be read";
  }
}

// By hand and only one level deep: JSON.stringify would call toJSON, and take its time over a big object.
function showObject(object: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(object);
  if (keys.length === 0) return Object.prototype.toString.call(object);
  const parts = keys.slice(0, MAX_KEYS).map((key) => `${key.slice(0, 60)}: ${quoted(object[key])}`);
  if (keys.length > MAX_KEYS) parts.push("…");
  return Array.isArray(object)
    ? `a list of ${object.length}: ${parts.join(", ")}`
    : `{ ${parts.join(", ")} }`;
}
