import type { PlanStep } from "./plan.js";

/**
 * Finds steps that lead back to themselves, in the order in which one names the next; `undefined` when there are none.
 *
 * It walks without recursion: 10,000 steps in a row are legal.
 *
 * @param next the names to which a step leads; unknown names are passed over
 */
export function findCycle(
  steps: readonly PlanStep[],
  next: (step: PlanStep) => readonly string[],
): readonly string[] | undefined {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const done = new Set<string>();
  for (const start of steps) {
    const trail: { readonly name: string; readonly rest: Iterator<string> }[] = [];
    const onTrail = new Set<string>();
    const enter = (step: PlanStep) => {
      trail.push({ name: step.name, rest: next(step)[Symbol.iterator]() });
      onTrail.add(step.name);
    };
    if (!done.has(start.name)) enter(start);
    while (trail.length > 0) {
      const { name, rest } = trail.at(-1)!;
      const { value: target, done: exhausted } = rest.next();
      if (exhausted) {
        trail.pop();
        onTrail.delete(name);
        done.add(name);
        continue;
      }
      if (onTrail.has(target)) {
        const names = trail.map((each) => each.name);
        return names.slice(names.indexOf(target));
      }
      const step = done.has(target) ? undefined : byName.get(target);
      if (step) enter(step);
    }
  }
  return undefined;
}
