import { JobbersError } from "../errors/errors.js";
import type { Items } from "../values/items.js";
import { currentDefinition } from "./definition-stack.js";
import type { Operation } from "./draft.js";
import type { Input, Ref, RefTo, Resolve, Wirable } from "./ref-types.js";

/**
 * A value, or another one where it is missing or null, like `??`; that is how a step takes the output of a step that may be
 * skipped or caught.
 *
 * @throws JobbersError `definition-invalid` outside a `dag()`
 * @example
 * const text = orElse(download({ url }, { when: wanted }), "");
 */
export function orElse<T, const W extends Wirable>(
  ref: RefTo<T>,
  otherwise: W,
): Ref<NonNullable<T> | Resolve<W>> {
  return operation("orElse", "or", [ref, otherwise]) as Ref<NonNullable<T> | Resolve<W>>;
}

/**
 * Whether two values are the same JSON; keys in any order.
 *
 * @throws JobbersError `definition-invalid` outside a `dag()`
 * @example
 * publish({ page }, { when: eq(page.status, "ready") });
 */
export function eq<T>(a: RefTo<T>, b: Input<NoInfer<T>>): Ref<boolean> {
  return operation("eq", "eq", [a, b]) as Ref<boolean>;
}

/**
 * The opposite of a condition; of any other value, whether it is missing, null, false, 0 or "".
 *
 * @throws JobbersError `definition-invalid` outside a `dag()`
 * @example
 * draft({ page }, { when: not(page.published) });
 */
export function not(flag: RefTo<unknown>): Ref<boolean> {
  return operation("not", "not", [flag]) as Ref<boolean>;
}

/**
 * Hands a list to a task page by page, so that nobody has to hold all of it: the handler gets an {@link Items}, whatever the width of
 * the map that the list comes from. It may stand anywhere in the input of a task's call, and nowhere else.
 *
 * @throws JobbersError `definition-invalid` outside a `dag()`
 * @example
 * const pages = urls.map((url) => fetchPage({ url }));
 * return buildIndex({ pages: items(pages) });
 */
export function items<T>(list: RefTo<readonly T[]>): RefTo<Items<T>> {
  return operation("items", "items", [list]) as unknown as RefTo<Items<T>>;
}

function operation(name: string, from: Operation["from"], args: readonly unknown[]): Ref<unknown> {
  const definition = currentDefinition();
  if (definition) return definition.addOperation(from, args);
  throw new JobbersError(
    "definition-invalid",
    `${name}() works on refs; call it inside the build function of a dag()`,
  );
}
