import type { Rerun } from "../store/submission.js";
import type { PlanStep } from "./plan.js";
import { isOnFailure, type PlanIndex } from "./plan-index.js";

/**
 * What has to be taken back for a step to run again though it has succeeded: all that comes after it, around it and inside of that, as
 * the plan has it. The step stands outside of maps and onFailure bodies: see {@link mayRerun}.
 *
 * @param fence that of the step's record
 * @example
 * rerunOf(index, index.step("transform"), 1).after.map(({ step }) => step); // ["load", "report"]
 */
export function rerunOf(index: PlanIndex, step: PlanStep, fence: number): Rerun {
  const around = ownersOf(index, step);
  const after = followersOf(index, [step, ...around]);
  const again = new Set([step, ...around, ...after]);
  const placeOf = createPlaces(index);
  const keptParents = (each: PlanStep) => each.parents.filter((name) => !again.has(index.step(name)));
  const catchers = [step, ...after].filter((each) => each.trigger === "one_failed");
  const anew = new Set([step, ...after]);
  const inside = index.plan.steps.filter((each) => ownersOf(index, each).some((owner) => anew.has(owner)));
  return {
    step: step.name,
    fence,
    around: around.map(({ name }) => name),
    after: after.map((each) => ({
      step: each.name,
      kept: keptParents(each).map((parent) => ({ step: parent, place: placeOf(parent, each.name) })),
    })),
    inside: inside.map(({ name }) => name),
    caught: [...new Set(catchers.flatMap(keptParents))],
  };
}

/**
 * True for a step that can run again by itself: it is one only, and in no onFailure body.
 *
 * @example
 * mayRerun(index, index.step("fetch")); // false: it is inside the map `fetch[]`
 */
export function mayRerun(index: PlanIndex, step: PlanStep): boolean {
  return index.maps(step).length === 0 && ![step, ...ownersOf(index, step)].some(isOnFailure);
}

/** The maps and inlined dags around a step, innermost first. */
function ownersOf(index: PlanIndex, step: PlanStep): PlanStep[] {
  const owner = index.owner(step);
  return owner ? [owner, ...ownersOf(index, owner)] : [];
}

/** All steps that depend on some, in the order in which they are reached. */
function followersOf(index: PlanIndex, steps: readonly PlanStep[]): PlanStep[] {
  const reached = new Set(steps);
  for (const each of reached) for (const next of index.dependents(each.name)) reached.add(next);
  return [...reached].slice(steps.length);
}

/** At which place a step stands among those that wait for a parent. */
function createPlaces(index: PlanIndex): (parent: string, step: string) => number {
  const places = new Map<string, Map<string, number>>();
  return (parent, step) => {
    const known = places.get(parent) ?? new Map(index.dependents(parent).map(({ name }, i) => [name, i]));
    places.set(parent, known);
    return known.get(step) as number;
  };
}
