import { JobbersError } from "../errors/errors.js";
import { showPath } from "../values/json.js";
import { quoted } from "../values/quoted.js";
import type { Origin, RefData } from "./draft.js";
import type { Ref } from "./ref-types.js";

/** Under this key a ref hands out what is behind it; registered, so that two copies of the package understand each other. */
const DATA = Symbol.for("jobbers.ref");
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Makes a ref: a proxy that answers every property with a ref to it, and refuses, by name, to be used as a value.
 *
 * Its target is a function, so that only a call `ref.map(…)` maps, while a data property named `map` is a path like any other.
 */
export function createRef<T>(data: RefData): Ref<T> {
  const target = Object.assign(() => {}, { [INSPECT]: () => `[Ref: ${describeRef(data)}]` });
  return new Proxy(target, handlerOf(data)) as unknown as Ref<T>;
}

/** What is behind a ref; `undefined` for anything else. */
export function refData(value: unknown): RefData | undefined {
  return typeof value === "function" ? (value as { [DATA]?: RefData })[DATA] : undefined;
}

/** Names what a ref stands for: `the output of step "fetch" at .title`. */
export function describeRef({ origin, path }: RefData): string {
  return path.length > 0 ? `${describeOrigin(origin)} at ${showPath(path)}` : describeOrigin(origin);
}

function describeOrigin(origin: Origin): string {
  switch (origin.from) {
    case "input":
      return "the dag's input";
    case "step":
      return `the output of step ${quoted(origin.step.name)}`;
    case "item":
      return `the element of ${quoted(origin.body.owner?.name)}`;
    case "index":
      return `the index in ${quoted(origin.body.owner?.name)}`;
    case "failure":
      return "the failure";
    case "or":
      return "what orElse() answers";
    default:
      return `what ${origin.from}() answers`;
  }
}

function handlerOf(data: RefData): ProxyHandler<() => void> {
  const refuse = (use: string) => () => {
    throw misuse(data, use);
  };
  return {
    get: (_target, key) =>
      typeof key === "symbol" ? symbolOf(data, key) : createRef(below(data, asKey(key))),
    apply: (_target, _this, args: unknown[]) => call(data, args),
    has: refuse("with `in`"),
    ownKeys: refuse("as an object whose properties are listed (spread, rest, Object.keys)"),
    getOwnPropertyDescriptor: refuse("as an object whose properties are looked up"),
    set: refuse("as an object to assign to"),
    defineProperty: refuse("as an object to assign to"),
    deleteProperty: refuse("as an object to delete from"),
  };
}

function below(data: RefData, ...keys: (string | number)[]): RefData {
  return { ...data, path: [...data.path, ...keys] };
}

function asKey(key: string): string | number {
  return /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : key;
}

function symbolOf(data: RefData, key: symbol): unknown {
  switch (key) {
    case DATA:
      return data;
    case Symbol.toPrimitive:
      return () => {
        throw misuse(data, "as text or a number (in a template, in arithmetic, in a comparison)");
      };
    case Symbol.iterator:
    case Symbol.asyncIterator:
      throw misuse(data, "as a list to go through; call its .map()");
    default:
      return undefined;
  }
}

/** A call is a method of the value above the last key: `ref.map(…)` arrives as a call of the path `map`. */
function call(data: RefData, args: unknown[]): unknown {
  const method = data.path.at(-1);
  const subject = { ...data, path: data.path.slice(0, -1) };
  switch (method) {
    case "map":
      return data.definition.addMap(subject, args[0], args[1] as undefined);
    case "at":
      return createRef(below(subject, checkKey(subject, args[0])));
    case "then": {
      const error = misuse(
        subject,
        "with await; steps run after the dag is defined, so there is nothing to wait for",
      );
      if (typeof args[1] !== "function") throw error;
      return args[1](error);
    }
    case "toJSON":
      throw misuse(subject, "with JSON.stringify");
    case "toString":
    case "valueOf":
      throw misuse(subject, "as text or a number");
    default:
      throw misuse(data, "as a function");
  }
}

function checkKey(data: RefData, key: unknown): string | number {
  if (typeof key === "string" || Number.isSafeInteger(key)) return key as string | number;
  const what = refData(key) ? "a ref" : quoted(key);
  throw misuse(
    data,
    `with .at(${what}); it takes a whole number, or the key of a record, known at definition`,
  );
}

function misuse(data: RefData, use: string): JobbersError {
  const where = `dag ${quoted(data.definition.dagName)}: ${describeRef(data)}`;
  const rule =
    "a ref stands for a value that exists only when the dag runs: pass it to a task and work with it there";
  return new JobbersError("definition-invalid", `${where} is used ${use}; ${rule}`);
}
