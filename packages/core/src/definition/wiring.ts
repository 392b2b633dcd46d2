import { JobbersError } from "../errors/errors.js";
import type { Path } from "../plan/plan.js";
import { checkJson, showPath } from "../values/json.js";
import type { RefData, WiringDraft } from "./draft.js";
import { refData } from "./ref.js";

/** A plan is JSON of at most 64 levels itself, and a wiring stands up to some 20 levels down in it. */
const MAX_DEPTH = 40;
const MAX_VALUES = 100_000;

interface Walk {
  readonly what: string;
  readonly wires: { readonly at: Path; readonly ref: RefData }[];
  readonly path: (string | number)[];
  values: number;
}

/**
 * Splits what a user wrote into a literal and its wires. The literal is a copy, with `null` wherever a ref stood; properties
 * that are undefined are left out by the JSON check.
 *
 * @param what names the value in messages
 * @throws JobbersError `definition-invalid` for what is too large or too deep, `not-json` for what JSON cannot carry
 */
export function draftWiring(value: unknown, what: string): WiringDraft {
  const walk: Walk = { what, wires: [], path: [], values: 0 };
  const copy = visit(value, walk);
  return { value: checkJson(copy, what), wires: walk.wires };
}

function visit(value: unknown, walk: Walk): unknown {
  const ref = refData(value);
  if (ref) {
    walk.wires.push({ at: [...walk.path], ref });
    return null;
  }
  if (typeof value !== "object" || value === null) return value;
  if (walk.path.length >= MAX_DEPTH)
    throw refuse(walk, `is nested more than ${MAX_DEPTH} deep, or contains itself`);
  if (++walk.values > MAX_VALUES)
    throw refuse(walk, `has more than ${MAX_VALUES} parts; keep large data out of the plan`);
  if (Array.isArray(value)) return visitList(value, walk);
  return isPlain(value) ? visitObject(value, walk) : value;
}

function visitList(list: readonly unknown[], walk: Walk): unknown[] {
  return Array.from(list, (item, at) => {
    walk.path.push(at);
    const copy = visit(item, walk);
    walk.path.pop();
    return copy;
  });
}

function visitObject(object: object, walk: Walk): object {
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(object)) {
    walk.path.push(key);
    const value = visit(item, walk);
    // Plain assignment of `__proto__` would set the prototype, and hide the key from the JSON check.
    Object.defineProperty(copy, key, { value, enumerable: true, writable: true, configurable: true });
    walk.path.pop();
  }
  return copy;
}

/** Everything else that is an object is left for the JSON check to name. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function refuse(walk: Walk, message: string): JobbersError {
  return new JobbersError("definition-invalid", `${walk.what}${showPath(walk.path.slice(0, 3))} ${message}`);
}
