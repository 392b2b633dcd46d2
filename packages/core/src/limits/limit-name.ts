/**
 * Names of limits. What code names itself is a plain name and shared by all tasks that give it; all others say whose they are:
 *
 * - `stripe`: named in code, for the whole cluster.
 * - `fetch/rate`, `fetch/concurrency`: of a task; its second one of a kind is `fetch/rate~2`.
 * - `@crawl/rate`, `@crawl/concurrency`: of a queue.
 * - `fetch@crawl/rate`: of a task in a queue.
 */
export type LimitKind = "rate" | "concurrency";

/** Whose limit it is, as its name says. */
export interface LimitTarget {
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly kind: LimitKind;
}

const form = /^([A-Za-z0-9._-]{1,128})?(?:@([A-Za-z0-9._-]{1,128}))?\/(rate|concurrency)(~[1-9]\d*)?$/;

/** Reads a name; `undefined` where code has to declare it. */
export function limitTarget(name: string): LimitTarget | undefined {
  const [, task, queue, kind] = form.exec(name) ?? [];
  if (kind === undefined || (task === undefined && queue === undefined)) return undefined;
  return { task, queue, kind: kind as LimitKind };
}

/** The name of the n-th limit of a kind that a task has and does not name, from 0 on. */
export function taskLimitName(task: string, kind: LimitKind, n: number): string {
  return n === 0 ? `${task}/${kind}` : `${task}/${kind}~${n + 1}`;
}

/** True for a name that an edit may make: the first of a kind that a task, a queue, or a task in a queue has. */
export function isEditableName(name: string): boolean {
  return limitTarget(name) !== undefined && !name.includes("~");
}
