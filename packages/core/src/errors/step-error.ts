import { showThrown } from "./thrown.js";

/** What was thrown, as plain JSON. A `type`, not an interface, so that it counts as a `JsonValue`. */
export type StepError = {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: StepError;
};

/** How many errors a chain of causes keeps, the first included. */
const MAX_DEPTH = 5;
/** The most that the whole may take as JSON text, in UTF-8 bytes. */
const MAX_BYTES = 16 * 1024;
const MAX_NAME_CHARS = 200;

/**
 * Turns anything thrown at all into plain JSON: at most five errors deep (a cycle of causes ends where it closes), at most
 * 16 KiB of text (long messages and stacks are cut), and never throws itself.
 *
 * What is no error gets the name "Thrown" and is shown in the message. The first of an AggregateError's errors is its cause.
 *
 * @example
 * errorShape(new TypeError("no", { cause: "why" }));
 * // { name: "TypeError", message: "no", stack: "TypeError: no\n …", cause: { name: "Thrown", message: "why" } }
 */
export function errorShape(thrown: unknown): StepError {
  // A character takes up to 6 bytes as JSON, so the first bound fits nearly always and the last one always.
  for (let chars = 4096; ; chars = Math.floor(chars / 2)) {
    const shape = shapeOf(thrown, chars, new Set());
    if (chars <= 64 || byteLength(JSON.stringify(shape)) <= MAX_BYTES) return shape;
  }
}

function shapeOf(thrown: unknown, chars: number, seen: Set<unknown>): StepError {
  const message = read(thrown, "message");
  if (typeof message !== "string") return { name: "Thrown", message: cut(showThrown(thrown), chars) };
  seen.add(thrown);
  const name = read(thrown, "name");
  const stack = read(thrown, "stack");
  const cause = causeOf(thrown);
  return {
    name: typeof name === "string" && name !== "" ? cut(name, Math.min(chars, MAX_NAME_CHARS)) : "Error",
    message: cut(message, chars),
    ...(typeof stack === "string" && { stack: cut(stack, chars) }),
    ...(cause !== undefined &&
      !seen.has(cause) &&
      seen.size < MAX_DEPTH && { cause: shapeOf(cause, chars, seen) }),
  };
}

function causeOf(thrown: unknown): unknown {
  const cause = read(thrown, "cause");
  return cause === undefined ? read(read(thrown, "errors"), 0) : cause;
}

/** Reads a property of anything; what throws on the way (a getter, a Proxy) has none. */
function read(value: unknown, key: string | number): unknown {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return undefined;
  try {
    return (value as Readonly<Record<string | number, unknown>>)[key];
  } catch {
    return undefined;
  }
}

function cut(text: string, chars: number): string {
  const short = text.length > chars ? `${text.slice(0, chars - 1)}…` : text;
  // The cut may have split a pair; and half a pair is nothing that a store can keep.
  return (short as string & { toWellFormed(): string }).toWellFormed();
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
