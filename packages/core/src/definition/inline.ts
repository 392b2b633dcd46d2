import type { Plan, PlanStep, Source, Wiring } from "../plan/plan.js";

/** The steps of a dag's plan as they stand inside another, under the dag step `owner`: every name prefixed with it. */
export function inlineSteps(plan: Plan, owner: string): PlanStep[] {
  return plan.steps.map((step) => inlineStep(step, owner));
}

function inlineStep(step: PlanStep, owner: string): PlanStep {
  const base = {
    name: `${owner}/${step.name}`,
    in: step.in === undefined ? owner : `${owner}/${step.in}`,
    parents: step.parents.map((parent) => `${owner}/${parent}`),
    ...(step.when && { when: inlineSource(step.when, owner) }),
  };
  switch (step.kind) {
    case "task":
      return { ...step, ...base, input: inlineWiring(step.input, owner) };
    case "map":
      return {
        ...step,
        ...base,
        over: inlineSource(step.over, owner),
        output: inlineWiring(step.output, owner),
      };
    case "dag":
      return {
        ...step,
        ...base,
        input: inlineWiring(step.input, owner),
        output: inlineWiring(step.output, owner),
      };
  }
}

/** A wiring of a dag's plan as it reads inside another. */
export function inlineWiring({ value, wires }: Wiring, owner: string): Wiring {
  return { value, wires: wires.map(({ at, source }) => ({ at, source: inlineSource(source, owner) })) };
}

function inlineSource(source: Source, owner: string): Source {
  switch (source.from) {
    case "input":
    case "failure":
      return { ...source, of: source.of === undefined ? owner : `${owner}/${source.of}` };
    case "step":
      return { ...source, step: `${owner}/${source.step}` };
    case "item":
    case "index":
      return { ...source, of: `${owner}/${source.of}` };
    default:
      return { ...source, args: source.args.map((arg) => inlineWiring(arg, owner)) };
  }
}
