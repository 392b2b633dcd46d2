import type { DefinitionInProgress } from "./draft.js";

/**
 * The definitions in progress, innermost last: the one piece of ambient state. It is synchronous, so it never outlives a
 * `dag()` call, and it is global, so that two copies of this package agree on it.
 */
const STACK = Symbol.for("jobbers.definition");

function stack(): DefinitionInProgress[] {
  const place = globalThis as { [STACK]?: DefinitionInProgress[] };
  place[STACK] ??= [];
  return place[STACK];
}

/** The definition whose build function is running; `undefined` outside `dag()`. */
export function currentDefinition(): DefinitionInProgress | undefined {
  return stack().at(-1);
}

/** Calls a function with a definition in progress. */
export function during<R>(definition: DefinitionInProgress, call: () => R): R {
  const definitions = stack();
  definitions.push(definition);
  try {
    return call();
  } finally {
    definitions.pop();
  }
}
