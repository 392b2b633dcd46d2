import { type ErrorCode, errorCatalogue, errorShape, JobbersError, type JsonValue } from "@jobbers/core";
import { jsonOf } from "./protocol.js";

/**
 * Anything thrown, as it travels from a child to the worker. What arrives has the same name, message, stack, causes, errors and own
 * properties (those that are JSON), is an instance of the same class of JavaScript's own (`TypeError` …), or of `JobbersError`, and says
 * the same about its next try; of a class of the user's it is no instance.
 */
export type SentError =
  | { readonly kind: "value"; readonly value: JsonValue | undefined }
  | {
      readonly kind: "error";
      /** The class of JavaScript's own, or of ours, that it is of. */
      readonly of: string;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly cause: SentError | undefined;
      readonly errors: readonly SentError[] | undefined;
      readonly own: Readonly<Record<string, JsonValue>>;
      /** By the names of registered symbols: what `RetryAfter` and `Terminal` are known by. */
      readonly marks: Readonly<Record<string, JsonValue>>;
    };

const classes = { RangeError, ReferenceError, SyntaxError, TypeError, URIError, EvalError } as const;
const MAX_DEPTH = 5;
/** The most errors in all, and the most own properties of one. */
const MAX_ERRORS = 16;
const MAX_OWN = 32;
const MAX_CHARS = 16 * 1024;
const told: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "errors"]);

/** Never throws. */
export function sendError(thrown: unknown): SentError {
  return send(thrown, 1, { left: MAX_ERRORS });
}

interface Room {
  /** How many errors may still be sent. */
  left: number;
}

function send(thrown: unknown, depth: number, room: Room): SentError {
  room.left -= 1;
  try {
    if (!(thrown instanceof Error))
      return { kind: "value", value: jsonOf(thrown, MAX_CHARS) ?? showValue(thrown) };
    return sendParts(thrown, depth, room);
  } catch {
    // A getter or a Proxy of the user's.
    const { name, message, stack } = errorShape(thrown);
    return { ...{ kind: "error", of: "Error", name, message, stack }, ...nothing };
  }
}

const nothing = { cause: undefined, errors: undefined, own: {}, marks: {} } as const;

function sendParts(error: Error, depth: number, room: Room): SentError {
  const below = (each: unknown) => (depth < MAX_DEPTH && room.left > 0 ? [send(each, depth + 1, room)] : []);
  const { name, message, stack, cause, errors } = error as Error & { errors?: unknown };
  return {
    kind: "error",
    of: classOf(error),
    name: String(name).slice(0, MAX_CHARS),
    message: String(message).slice(0, MAX_CHARS),
    stack: typeof stack === "string" ? stack.slice(0, MAX_CHARS) : undefined,
    cause: cause === undefined ? undefined : below(cause)[0],
    errors: Array.isArray(errors) ? errors.slice(0, MAX_ERRORS).flatMap(below) : undefined,
    own: Object.fromEntries(
      Object.entries(error)
        .slice(0, MAX_OWN)
        .flatMap(([key, value]) => (told.has(key) ? [] : sendable(key, value))),
    ),
    marks: Object.fromEntries(
      Object.getOwnPropertySymbols(error).flatMap((symbol) => {
        const key = Symbol.keyFor(symbol);
        return key === undefined ? [] : sendable(key, (error as unknown as Record<symbol, unknown>)[symbol]);
      }),
    ),
  };
}

function sendable(key: string, value: unknown): [string, JsonValue][] {
  const json = jsonOf(value, MAX_CHARS);
  return json === undefined ? [] : [[key, json]];
}

function showValue(thrown: unknown): string | undefined {
  return thrown === undefined ? undefined : errorShape(thrown).message;
}

function classOf(error: Error): string {
  // Its module may have a copy of Jobbers of its own.
  if (error.name === "JobbersError" && "code" in error) return "JobbersError";
  return Object.entries(classes).find(([, Class]) => error instanceof Class)?.[0] ?? "Error";
}

/** The error that was sent, as good as it can be made again. */
export function receiveError(sent: SentError): unknown {
  if (sent.kind === "value") return sent.value;
  const { name, message, stack, cause, errors, own, marks } = sent;
  const error = bareError(sent);
  const define = (key: string, value: unknown) =>
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
  if (error.name !== name) define("name", name);
  if (error.message !== message) define("message", message);
  define("stack", stack);
  if (cause) define("cause", receiveError(cause));
  if (errors) define("errors", errors.map(receiveError));
  Object.assign(error, own);
  for (const [key, value] of Object.entries(marks)) define(Symbol.for(key) as never, value);
  return error;
}

function bareError({ of, message, own }: SentError & { readonly kind: "error" }): Error {
  if (of === "JobbersError" && Object.hasOwn(errorCatalogue, String(own.code)))
    return new JobbersError(own.code as ErrorCode, message);
  const Class = Object.hasOwn(classes, of) ? classes[of as keyof typeof classes] : Error;
  return new Class(message);
}
