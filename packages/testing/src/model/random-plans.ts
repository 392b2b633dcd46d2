import type { FailureMode, Plan, PlanStep, Trigger } from "@jobbers/core";
import fc from "fast-check";
import {
  dagStep,
  fromInput,
  literal,
  mapStep,
  onFailureStep,
  planOf,
  type StepParts,
  taskStep,
} from "../plans.js";

/** What random plans read: lists of some lengths, and both booleans. */
export const RANDOM_INPUT = {
  lists: [[], ["x"], ["x", "y"], ["x", "y", "z"]],
  flags: { yes: true, no: false },
};

const STICKY_MS = 60_000;

interface Shape {
  readonly kind: "task" | "map" | "dag";
  /** Which of the siblings before it are its parents. */
  readonly parents: readonly boolean[];
  readonly trigger: Trigger;
  readonly when: "yes" | "no" | undefined;
  readonly over: number;
  readonly onFailure: boolean;
  readonly isSticky: boolean;
  readonly body: readonly Shape[];
}

const rarely = (weight: number) => fc.nat({ max: 99 }).map((n) => n < weight);
const triggers = fc.constantFrom<Trigger>(
  "all_success",
  "all_success",
  "none_failed",
  "one_failed",
  "all_done",
);

function bodies(depth: number): fc.Arbitrary<Shape[]> {
  const shape = fc.record({
    kind:
      depth === 0
        ? fc.constant("task" as const)
        : fc.constantFrom<Shape["kind"]>("task", "task", "task", "map", "dag"),
    parents: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    trigger: triggers,
    when: fc.constantFrom<Shape["when"]>(undefined, undefined, undefined, "yes", "no"),
    over: fc.nat({ max: RANDOM_INPUT.lists.length - 1 }),
    onFailure: rarely(30),
    isSticky: rarely(15),
    body: depth === 0 ? fc.constant([]) : bodies(depth - 1),
  });
  return fc.array(shape, { minLength: depth === 2 ? 1 : 0, maxLength: depth === 2 ? 4 : 3 });
}

/** Small random plans: tasks, maps and inlined dags two deep, all triggers, conditions, onFailure bodies, some of it sticky, both modes. */
export const randomPlans: fc.Arbitrary<Plan> = fc
  .record({
    body: bodies(2),
    onFailure: rarely(30),
    failure: fc.constantFrom<FailureMode>("stop", "continue"),
  })
  .map(({ body, onFailure, failure }) => {
    const names = createNames();
    const steps = writeBody(body, undefined, "", names);
    return planOf("random", [...steps, ...(onFailure ? writeEpilogue(undefined, "") : [])], { failure });
  });

function writeBody(
  body: readonly Shape[],
  owner: string | undefined,
  prefix: string,
  names: () => string,
): PlanStep[] {
  const siblings: string[] = [];
  return body.flatMap((shape) => {
    const after = siblings.slice(-shape.parents.length).filter((_, i) => shape.parents[i]);
    const parts: StepParts = {
      after,
      trigger: after.length === 0 ? "all_success" : shape.trigger,
      ...(owner !== undefined && { in: owner }),
      // Whatever it follows, and for as long as time passes at once.
      ...(shape.isSticky && { stickyMs: STICKY_MS }),
      ...(shape.when && { when: fromInput("flags", shape.when) }),
    };
    const steps = writeStep(shape, parts, prefix, names);
    siblings.push((steps[0] as PlanStep).name);
    return steps;
  });
}

function writeStep(shape: Shape, parts: StepParts, prefix: string, names: () => string): PlanStep[] {
  const name = `${prefix}${names()}`;
  switch (shape.kind) {
    case "task":
      return [taskStep(name, { ...parts, task: "t" })];
    case "map": {
      const map = mapStep(`${name}[]`, fromInput("lists", shape.over), { ...parts, output: literal(null) });
      return [map, ...writeBody(shape.body, map.name, prefix, names)];
    }
    case "dag": {
      const inner = `${name}/`;
      const steps = writeBody(shape.body, name, inner, names);
      return [dagStep(name, parts), ...steps, ...(shape.onFailure ? writeEpilogue(name, inner) : [])];
    }
  }
}

function writeEpilogue(owner: string | undefined, prefix: string): PlanStep[] {
  const holder = onFailureStep(owner);
  return [holder, taskStep(`${prefix}~onFailure/tell`, { in: holder.name, task: "t" })];
}

function createNames(): () => string {
  let count = 0;
  return () => `s${++count}`;
}
