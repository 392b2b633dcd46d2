import { showThrown } from "./thrown.js";

/** What was thrown, as plain JSON. A `type`, not an interface, so that it counts as a `JsonValue`. */
export type StepError = {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: StepError;
  /** The errors of an AggregateError, the first ones where there are many. */
  readonly errors?: readonly StepError[];
};

/** How many errors a chain of causes keeps, the first included. */
const MAX_DEPTH = 5;
/** How many errors are kept in all, and how many of one AggregateError. */
const MAX_ERRORS = 16;
const MAX_SIBLINGS = 8;
/** The most that the whole may take as JSON text, in UTF-8 bytes. */
const MAX_BYTES = 8 * 1024;
const MAX_MESSAGE_BYTES = 4 * 1024;
const MAX_NAME_CHARS = 200;
/** A message longer than this is not told a second time at the head of its stack. */
const MAX_HEADLINE_CHARS = 200;
const CUT = "\n    … cut …\n";

/**
 * Turns anything thrown at all into plain JSON, and never throws itself: name, message, stack, causes and the errors of an
 * AggregateError, nothing else that hangs on the error. At most 8 KiB of text in all: causes five deep (a cycle ends where it
 * closes), messages of 4 KiB, and stacks cut in the middle as the rest leaves room.
 *
 * What is no error gets the name "Thrown" and is shown in the message.
 *
 * @example
 * errorShape(new TypeError("no", { cause: "why" }));
 * // { name: "TypeError", message: "no", stack: "TypeError: no\n …", cause: { name: "Thrown", message: "why" } }
 */
export function errorShape(thrown: unknown): StepError {
  // Stacks give way first, then messages, then errors far down. The last round, one error of small parts, always fits.
  for (let stack = 4096, most = MAX_ERRORS; ; ) {
    const shape = shapeOf(thrown, 1, {
      message: Math.min(4096, stack * 4),
      stack,
      most,
      seen: new Set(),
      count: 0,
    });
    if (most === 1 || byteLength(JSON.stringify(shape)) <= MAX_BYTES) return shape;
    if (stack > 64) stack /= 2;
    else most = Math.floor(most / 2);
  }
}

/** How much one round may keep: characters of a message and a stack, and errors; and what it has kept so far. */
interface Room {
  readonly message: number;
  readonly stack: number;
  readonly most: number;
  readonly seen: Set<unknown>;
  count: number;
}

function shapeOf(thrown: unknown, depth: number, room: Room): StepError {
  room.count++;
  const message = read(thrown, "message");
  if (typeof message !== "string") return { name: "Thrown", message: cutMessage(showThrown(thrown), room) };
  room.seen.add(thrown);
  const name = read(thrown, "name");
  const stack = read(thrown, "stack");
  const below = (each: unknown) => shapeOf(each, depth + 1, room);
  const isKept = (each: unknown) => depth < MAX_DEPTH && room.count < room.most && !room.seen.has(each);
  const cause = read(thrown, "cause");
  const kept = cause !== undefined && isKept(cause) ? below(cause) : undefined;
  const errors = listed(read(thrown, "errors")).flatMap((each) => (isKept(each) ? [below(each)] : []));
  return {
    name:
      typeof name === "string" && name !== "" ? cut(name, Math.min(room.message, MAX_NAME_CHARS)) : "Error",
    message: cutMessage(message, room),
    ...(typeof stack === "string" && { stack: cutStack(stack, message, room.stack) }),
    ...(kept && { cause: kept }),
    ...(errors.length > 0 && { errors }),
  };
}

/** The first elements of a list, whatever it is. */
function listed(value: unknown): unknown[] {
  const length = read(value, "length");
  if (typeof value !== "object" || typeof length !== "number" || !(length > 0)) return [];
  const errors = Array.from({ length: Math.min(length, MAX_SIBLINGS) }, (_, at) => read(value, at));
  return errors.filter((each) => each !== undefined);
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

function cutMessage(text: string, room: Room): string {
  let short = cut(text, room.message);
  // The mark takes three bytes by itself.
  for (let bytes = byteLength(short); bytes > MAX_MESSAGE_BYTES; bytes = byteLength(short))
    short = cut(short, Math.floor((short.length * MAX_MESSAGE_BYTES) / bytes) - 2);
  return short;
}

/** A stack tells most at its two ends: where the error came from, and who asked for it. */
function cutStack(stack: string, message: string, chars: number): string {
  if (stack.length <= chars) return wellFormed(stack);
  const at = stack.slice(0, MAX_NAME_CHARS + 2).indexOf(message.slice(0, 20));
  const end = at + message.length;
  // By its two ends: a message may have millions of characters.
  const isTold =
    message.length > MAX_HEADLINE_CHARS && at >= 0 && stack.startsWith(message.slice(-20), end - 20);
  const bare = isTold ? `${stack.slice(0, at)}${cut(message, MAX_HEADLINE_CHARS)}${stack.slice(end)}` : stack;
  if (bare.length <= chars) return wellFormed(bare);
  const keep = chars - CUT.length;
  const head = Math.ceil((keep * 2) / 3);
  return wellFormed(`${bare.slice(0, head)}${CUT}${bare.slice(bare.length - (keep - head))}`);
}

function cut(text: string, chars: number): string {
  return wellFormed(text.length > chars ? `${text.slice(0, chars - 1)}…` : text);
}

/** A cut may have split a pair; and half a pair is nothing that a store can keep. */
function wellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed();
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
