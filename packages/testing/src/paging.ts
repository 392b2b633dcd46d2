import {
  entriesOf,
  type Follow,
  followOf,
  type Located,
  PAGE_LIMIT,
  type Page,
  type PlanIndex,
  type PlanStep,
  type StepSpec,
} from "@jobbers/core";

/**
 * The pages of `graph.ts`, cut smaller where a test wants it: stores have to take pages of any size up to the limit, and small
 * ones reach the second page with small plans.
 */

/** A page of the steps that start the body of `owner`, with at most `limit` of them. */
export function entryPage(
  index: PlanIndex,
  owner: PlanStep | undefined,
  indices: readonly number[],
  cursor = 0,
  limit = PAGE_LIMIT,
  laid?: string | undefined,
): Page<StepSpec> {
  return shorter(entriesOf(index, owner, indices, cursor, laid), cursor, limit);
}

/** All steps that start a body, however many they are. */
export function allEntries(
  index: PlanIndex,
  owner: PlanStep | undefined,
  indices: readonly number[],
  laid?: string | undefined,
): StepSpec[] {
  const all: StepSpec[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const page: Page<StepSpec> = entriesOf(index, owner, indices, cursor, laid);
    all.push(...page.items);
    cursor = page.next;
  }
  return all;
}

/** A page of what follows a settled step, with at most `limit` successors. */
export function followPage(index: PlanIndex, located: Located, cursor = 0, limit = PAGE_LIMIT): Follow {
  const follow = followOf(index, located, cursor);
  return { ...follow, successors: shorter(follow.successors, cursor, limit) };
}

function shorter<T>(page: Page<T>, cursor: number, limit: number): Page<T> {
  if (page.items.length <= limit) return page;
  return { items: page.items.slice(0, limit), next: cursor + limit };
}
