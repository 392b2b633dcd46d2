import type { Plan, PlanStep } from "./plan.js";
import { ON_FAILURE } from "./plan.js";

/** A plan with the look-ups that following it takes; built once a plan. */
export interface PlanIndex {
  readonly plan: Plan;
  /** Throws a `RangeError` when the plan has no such step. */
  step(name: string): PlanStep;
  owner(step: PlanStep): PlanStep | undefined;
  /** The steps of a body that count for its end (so without its onFailure body), in plan order; `undefined` is the run. */
  members(owner: string | undefined): readonly PlanStep[];
  /** The members without parents: where a body starts. */
  entries(owner: string | undefined): readonly PlanStep[];
  /** The siblings that wait for a step, in plan order. */
  dependents(name: string): readonly PlanStep[];
  onFailure(owner: string | undefined): PlanStep | undefined;
  /** The maps around a step, outermost first: as many as its address has indices. */
  maps(step: PlanStep): readonly PlanStep[];
}

const indexes = new WeakMap<Plan, PlanIndex>();

/** Builds the look-ups of a plan, or answers the ones built before. */
export function indexPlan(plan: Plan): PlanIndex {
  const known = indexes.get(plan);
  if (known) return known;
  const built = build(plan);
  indexes.set(plan, built);
  return built;
}

function build(plan: Plan): PlanIndex {
  const byName = new Map<string, PlanStep>();
  const members = new Map<string | undefined, PlanStep[]>();
  const entries = new Map<string | undefined, PlanStep[]>();
  const dependents = new Map<string, PlanStep[]>();
  const onFailure = new Map<string | undefined, PlanStep>();
  const maps = new Map<PlanStep, readonly PlanStep[]>();

  for (const step of plan.steps) byName.set(step.name, step);
  const find = (name: string): PlanStep => {
    const step = byName.get(name);
    if (!step) throw new RangeError(`plan "${plan.name}" has no step "${name}"`);
    return step;
  };
  const mapsAround = (step: PlanStep): readonly PlanStep[] => {
    const known = maps.get(step);
    if (known) return known;
    const owner = step.in === undefined ? undefined : find(step.in);
    const around = owner === undefined ? [] : mapsAround(owner);
    const all = owner?.kind === "map" ? [...around, owner] : around;
    maps.set(step, all);
    return all;
  };
  for (const step of plan.steps) {
    if (isOnFailure(step)) {
      onFailure.set(step.in, step);
      continue;
    }
    listIn(members, step.in).push(step);
    if (step.parents.length === 0) listIn(entries, step.in).push(step);
    for (const parent of step.parents) listIn(dependents, parent).push(step);
  }
  return {
    plan,
    step: find,
    owner: (step) => (step.in === undefined ? undefined : find(step.in)),
    members: (owner) => members.get(owner) ?? [],
    entries: (owner) => entries.get(owner) ?? [],
    dependents: (name) => dependents.get(name) ?? [],
    onFailure: (owner) => onFailure.get(owner),
    maps: mapsAround,
  };
}

/** True for the step that holds the onFailure body of its owner. */
export function isOnFailure(step: PlanStep): boolean {
  return step.name === ON_FAILURE || step.name.endsWith(`/${ON_FAILURE}`);
}

function listIn<K>(lists: Map<K, PlanStep[]>, key: K): PlanStep[] {
  const list = lists.get(key);
  if (list) return list;
  const fresh: PlanStep[] = [];
  lists.set(key, fresh);
  return fresh;
}
