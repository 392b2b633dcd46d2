import { JobbersError } from "../errors/errors.js";
import type { JsonValue } from "../plan/plan.js";

// Plans nest deeper than values may, since each `orElse` and `eq` puts a wiring inside a wiring; the bound only keeps what is
// nested without end from overflowing the stack.
const MAX_DEPTH = 1000;

/**
 * Writes JSON with keys sorted by code unit and no white space, so that equal values give equal texts on any machine.
 *
 * Properties that are `undefined` are left out. The value is not checked as `checkJson` does.
 *
 * @throws JobbersError `not-json` when there is `undefined`, NaN, a function … in it, or more than 1,000 levels
 * @example
 * canonicalJson({ b: 1, a: [true] }); // '{"a":[true],"b":1}'
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (typeof value === "string" || typeof value === "boolean" || value === null || Number.isFinite(value)) {
    return JSON.stringify(value);
  }
  if (typeof value !== "object")
    throw new JobbersError("not-json", `${String(value)} has no place in canonical JSON`);
  if (depth > MAX_DEPTH)
    throw new JobbersError("not-json", `a value is nested deeper than ${MAX_DEPTH} levels`);
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) parts.push(write(item, depth + 1));
    return `[${parts.join(",")}]`;
  }
  const object = value as Readonly<Record<string, unknown>>;
  // Without a comparer, sort() compares code units, the same in every locale.
  for (const key of Object.keys(object).sort()) {
    const part = object[key];
    if (part !== undefined) parts.push(`${JSON.stringify(key)}:${write(part, depth + 1)}`);
  }
  return `{${parts.join(",")}}`;
}
