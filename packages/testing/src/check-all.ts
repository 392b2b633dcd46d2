import type { Flaw, Store } from "@jobbers/core";

/** How a whole store is checked. */
export interface CheckAllOptions {
  /** True mends what can be mended. */
  readonly repair?: boolean;
  /** About how many records a page looks at; default 100. */
  readonly limit?: number;
}

/**
 * Checks a whole store, page by page.
 *
 * @example
 * expect(await checkAll(store)).toEqual([]);
 */
export async function checkAll(
  store: Store,
  { repair = false, limit = 100 }: CheckAllOptions = {},
): Promise<Flaw[]> {
  const problems: Flaw[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.check({ repair, limit, cursor });
    problems.push(...page.problems);
    cursor = page.next;
  } while (cursor !== undefined);
  return problems;
}
