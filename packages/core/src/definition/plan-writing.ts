import type { Plan, PlanStep, Source, Wiring } from "../plan/plan.js";
import { checkJson } from "../values/json.js";
import { quoted } from "../values/quoted.js";
import type { Definition } from "./definition.js";
import type { RefData, StepDraft, WiringDraft } from "./draft.js";
import { inlineSteps, inlineWiring } from "./inline.js";
import { spreadPlan } from "./spread.js";
import { stickInside } from "./sticky.js";

/** Writes a finished definition as a plan. */
export function writePlan(definition: Definition): Plan {
  const plan: Plan = {
    format: 1,
    kind: "dag",
    name: definition.dagName,
    failure: definition.failure,
    ...(definition.deadlineMs !== undefined && { deadlineMs: definition.deadlineMs }),
    steps: keepQueues(
      stickInside(definition.steps.flatMap((step) => writeStep(step, definition))),
      namesOf(definition),
    ),
    output: writeWiring(definition.top.output),
  };
  namedQueues.set(plan, namesOf(definition));
  checkJson(plan, `plan of dag ${quoted(definition.dagName)}`);
  return plan;
}

/** The steps of a plan whose calls name their queues: plans that no spread is in do not say so, but may be inlined in one that has. */
const namedQueues = new WeakMap<Plan, ReadonlySet<string>>();

function namesOf(definition: Definition): ReadonlySet<string> {
  const names = new Set<string>();
  for (const step of definition.steps) {
    if (step.kind === "task" && step.namesQueue) names.add(step.name);
    if (step.kind !== "dag") continue;
    for (const name of namedQueues.get(step.dag.plan) ?? []) names.add(`${step.name}/${name}`);
  }
  return names;
}

/** Marks the steps under a spread that keep their own queue. */
function keepQueues(steps: readonly PlanStep[], names: ReadonlySet<string>): PlanStep[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const isSpread = (step: PlanStep | undefined): boolean =>
    step !== undefined && ((step.kind === "map" && step.spread !== undefined) || isInside(step));
  const isInside = (step: PlanStep): boolean => step.in !== undefined && isSpread(byName.get(step.in));
  return steps.map((step) =>
    step.kind === "task" && names.has(step.name) && isInside(step) ? { ...step, keepsQueue: true } : step,
  );
}

function writeStep(step: StepDraft, definition: Definition): PlanStep[] {
  const base = {
    name: step.name,
    ...(step.body.owner && { in: step.body.owner.name }),
    parents: Array.from(step.parents, (parent) => parent.name),
    trigger: step.trigger,
    ...(step.when && { when: writeSource(step.when) }),
  };
  switch (step.kind) {
    case "task":
      return [
        {
          ...base,
          kind: "task",
          task: step.task.name,
          queue: step.queue,
          ...(step.priority !== undefined && { priority: step.priority }),
          retry: step.retry,
          ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
          ...(step.startWithinMs !== undefined && { startWithinMs: step.startWithinMs }),
          ...(step.task.heartbeatMs !== undefined && { heartbeatMs: step.task.heartbeatMs }),
          ...(step.task.events === "each" && { events: step.task.events }),
          ...(step.inline !== undefined && { inline: step.inline }),
          ...(step.stickyMs !== undefined && { stickyMs: step.stickyMs }),
          input: writeWiring(step.input),
        },
      ];
    case "map":
      return [
        {
          ...base,
          kind: "map",
          over: writeSource(step.over),
          ...(step.spread && { spread: spreadPlan(step.spread) }),
          ...(step.stickyMs !== undefined && { stickyMs: step.stickyMs }),
          output: writeWiring(step.inside.output),
        },
      ];
    case "dag": {
      const { dag } = step;
      const input = writeWiring(step.input);
      const output = inlineWiring(dag.plan.output, step.name);
      const parses = dag.input !== undefined;
      const { failure } = dag.plan;
      return [
        { ...base, kind: "dag", dag: dag.name, parses, input, output, failure },
        ...inlineSteps(dag.plan, step.name),
      ];
    }
    case "failure": {
      // Its steps read the dag's own input, and nobody reads what it answers.
      const nothing: Wiring = { value: null, wires: [] };
      const { dagName: dag, failure } = definition;
      return [{ ...base, kind: "dag", dag, parses: false, input: nothing, output: nothing, failure }];
    }
  }
}

function writeWiring({ value, wires }: WiringDraft): Wiring {
  return { value, wires: wires.map(({ at, ref }) => ({ at, source: writeSource(ref) })) };
}

function writeSource({ origin, path }: RefData): Source {
  switch (origin.from) {
    case "input":
    case "failure":
      return { from: origin.from, path };
    case "step":
      return { from: "step", step: origin.step.name, path };
    case "item":
    case "index":
      return { from: origin.from, of: (origin.body.owner as StepDraft).name, path };
    default:
      return { from: origin.from, args: origin.args.map(writeWiring), path };
  }
}
