import type { Follow } from "../store/exchange.js";
import { PAGE_LIMIT, type Page, type StepSpec } from "../store/step-spec.js";
import { addressOf, parseAddress, RUN_ADDRESS, type StepAddress, valueKey } from "./address.js";
import type { PlanStep, Source, TaskStep, Wiring } from "./plan.js";
import type { PlanIndex } from "./plan-index.js";
import { isStoppable } from "./trigger.js";

/**
 * Reading the graph: what a plan says about one step of one run, in the terms of the store. Pure, and the same in every
 * process, so that a worker, a reaper or a server can all settle a step.
 */

/** The plan step behind an address, with the indices of the maps around it. */
export interface Located {
  readonly step: PlanStep;
  readonly indices: readonly number[];
  /** The queue that a spread chose for the instance of a map in which it stands. */
  readonly laid?: string | undefined;
}

/** The steps outside of maps that were found before, by plan and address: there are as many as their plans have. */
const found = new WeakMap<PlanIndex, Map<StepAddress, Located>>();

/** Finds the step of a plan that an address names; throws a `RangeError` when there is none. */
export function locate(index: PlanIndex, address: StepAddress): Located {
  const known = found.get(index) ?? new Map<StepAddress, Located>();
  const before = known.get(address);
  if (before) return before;
  const { name, indices } = parseAddress(address);
  const located = { step: index.step(name), indices };
  if (indices.length === 0) found.set(index, known.set(address, located));
  return located;
}

/**
 * What the store has to know of a step. `inline` is for the only child of an only parent, where its call does not forbid it.
 *
 * @param laid the queue that a spread chose for the instance in which it stands
 */
export function specOf(
  index: PlanIndex,
  step: PlanStep,
  indices: readonly number[],
  laid?: string | undefined,
): StepSpec {
  const dependents = index.dependents(step.name);
  const catchers = dependents.filter((each) => each.trigger === "one_failed").length;
  return {
    address: addressOf(index, step, indices),
    name: step.name,
    kind: step.kind,
    owner: ownerAddress(index, step, indices),
    parents: step.parents.length,
    trigger: step.trigger,
    stoppable: isStoppable(step.trigger) && !isSheltered(index, step),
    needs: needsOf(index, step),
    queue: queueOf(step, laid),
    ...(laid !== undefined && { laid }),
    priority: step.kind === "task" ? step.priority : undefined,
    startWithinMs: step.kind === "task" ? step.startWithinMs : undefined,
    ...(step.stickyMs !== undefined && { stickyMs: step.stickyMs }),
    ...(step.kind === "task" && step.events === "each" && { each: true as const }),
    phase: step.when ? "admit" : phaseOf(step),
    reads: readsOf(index, step, indices),
    dependents: dependents.length,
    catchers,
    catches: step.trigger === "one_failed",
    stops: !isCaughtAbove(index, step),
    inline: mayInline(index, step),
  };
}

/** What a step is handed out for, once its `when` has let it pass. */
export function phaseOf(step: PlanStep): "run" | "expand" | "enter" {
  return step.kind === "task" ? "run" : step.kind === "map" ? "expand" : "enter";
}

/**
 * A page of the steps that start a body: of the run (`owner` undefined), of an inlined dag, or of one instance of a map.
 *
 * @param laid the queue that a spread chose for them
 */
export function entriesOf(
  index: PlanIndex,
  owner: PlanStep | undefined,
  indices: readonly number[],
  cursor = 0,
  laid?: string | undefined,
): Page<StepSpec> {
  return page(index.entries(owner?.name), cursor, (step) => specOf(index, step, indices, laid));
}

/** What follows steps outside of maps, as far as it is one page: the same for every run. */
const follows = new WeakMap<Located, Follow>();

/** A page of what follows a settled step. */
export function followOf(index: PlanIndex, located: Located, cursor = 0): Follow {
  if (cursor > 0 || located.indices.length > 0) return makeFollow(index, located, cursor);
  const known = follows.get(located);
  if (known) return known;
  const made = makeFollow(index, located, 0);
  follows.set(located, made);
  return made;
}

function makeFollow(index: PlanIndex, { step, indices, laid }: Located, cursor: number): Follow {
  const successors = page(index.dependents(step.name), cursor, (each) => specOf(index, each, indices, laid));
  if (cursor > 0 || step.trigger !== "one_failed") return { successors };
  return { successors, rescues: step.parents.map((parent) => addressOf(index, index.step(parent), indices)) };
}

/** The address of the step that owns the body in which a step stands; "" for the run. */
export function ownerAddress(index: PlanIndex, step: PlanStep, indices: readonly number[]): StepAddress {
  const owner = index.owner(step);
  return owner ? addressOf(index, owner, indices.slice(0, index.maps(owner).length)) : RUN_ADDRESS;
}

/** A source that reads one value as it is kept. */
type KeptSource = Extract<Source, { from: "input" | "failure" | "item" }>;

/** The key of the value that such a source reads, seen from a step inside the maps with these indices. */
export function sourceKey(index: PlanIndex, source: KeptSource, indices: readonly number[]): string {
  switch (source.from) {
    case "input":
      return valueKey.input(atOwner(index, source.of, indices));
    case "failure":
      return valueKey.failure(atOwner(index, source.of, indices));
    case "item": {
      const map = index.step(source.of);
      const depth = index.maps(map).length;
      return valueKey.item(addressOf(index, map, indices.slice(0, depth)), indices[depth] as number);
    }
  }
}

/** The keys of the values that a source reads, seen from a step inside the maps with these indices. */
export function sourceKeys(index: PlanIndex, source: Source, indices: readonly number[]): string[] {
  switch (source.from) {
    case "input":
    case "failure":
    case "item":
      return [sourceKey(index, source, indices)];
    case "index":
      return [];
    case "step": {
      const target = index.step(source.step);
      const inside = indices.slice(0, index.maps(target).length);
      const own = addressOf(index, target, inside);
      // A dag's own value only says that it succeeded; what it answers is wired from its steps. A map's says how many.
      return target.kind === "dag" ? [own, ...wiringKeys(index, target.output, inside)] : [own];
    }
    default:
      return source.args.flatMap((arg) => wiringKeys(index, arg, indices));
  }
}

/** The keys of the values that a wiring reads, each once. */
export function wiringKeys(index: PlanIndex, wiring: Wiring, indices: readonly number[]): string[] {
  return [...new Set(wiring.wires.flatMap((wire) => sourceKeys(index, wire.source, indices)))];
}

function readsOf(index: PlanIndex, step: PlanStep, indices: readonly number[]): string[] {
  const own =
    step.kind === "map" ? sourceKeys(index, step.over, indices) : wiringKeys(index, step.input, indices);
  return step.when ? [...new Set([...sourceKeys(index, step.when, indices), ...own])] : own;
}

function needsOf(index: PlanIndex, step: PlanStep): string {
  if (step.kind === "task") return step.task;
  if (step.kind === "map") return step.spread?.code ? `dag:${index.plan.name}` : "";
  return step.parses ? `dag:${step.dag}` : "";
}

/** The queue in which a step stands; `laid` is the one that a spread chose for the instance around it. */
export function queueOf(step: PlanStep, laid: string | undefined): string {
  if (step.kind !== "task") return "";
  return laid === undefined || step.keepsQueue ? step.queue : laid;
}

/** Catch, finally and onFailure bodies run on after a failure, whatever the triggers inside them. */
function isSheltered(index: PlanIndex, step: PlanStep): boolean {
  for (let owner = index.owner(step); owner; owner = index.owner(owner))
    if (!isStoppable(owner.trigger)) return true;
  return false;
}

/** A failure inside a body whose owner has catchers is not definite before they have had their turn. */
function isCaughtAbove(index: PlanIndex, step: PlanStep): boolean {
  for (let owner = index.owner(step); owner; owner = index.owner(owner)) {
    if (index.dependents(owner.name).some((each) => each.trigger === "one_failed")) return true;
  }
  return false;
}

function mayInline(index: PlanIndex, step: PlanStep): step is TaskStep {
  if (step.kind !== "task" || step.parents.length !== 1) return false;
  return step.inline !== "never" && index.dependents(step.parents[0] as string).length === 1;
}

function atOwner(index: PlanIndex, name: string | undefined, indices: readonly number[]): StepAddress {
  if (name === undefined) return RUN_ADDRESS;
  const owner = index.step(name);
  return addressOf(index, owner, indices.slice(0, index.maps(owner).length));
}

function page<T, R>(all: readonly T[], cursor: number, make: (item: T) => R): Page<R> {
  const items = all.slice(cursor, cursor + PAGE_LIMIT).map(make);
  const next = cursor + items.length;
  return next < all.length ? { items, next } : { items };
}
