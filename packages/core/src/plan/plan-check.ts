import { checkJson } from "../values/json.js";
import { quoted } from "../values/quoted.js";
import { MAX_PLAN_STEPS, type Plan, type PlanStep, type Source, type Wiring } from "./plan.js";
import { findCycle } from "./plan-cycle.js";
import { isOnFailure } from "./plan-index.js";
import { invalid, list, localName, object, oneOf, shapeOfStep, shapeOfWiring, whole } from "./plan-shape.js";

type Steps = ReadonlyMap<string, PlanStep>;

/**
 * Checks a plan that comes from outside, such as parsed JSON, and answers it typed.
 *
 * Beside the form of every part it checks names, that every reference is known, in reach and waited for, that there is no
 * cycle, and that there are at most 10,000 steps.
 *
 * @throws JobbersError `plan-invalid`, naming the steps; `not-json`
 * @example
 * const plan = checkPlan(JSON.parse(text));
 */
export function checkPlan(value: unknown): Plan {
  const root = object(checkJson(value, "plan"), "the plan");
  if (root.format !== 1) {
    throw invalid(`the plan has format ${quoted(root.format)}; this version of Jobbers reads format 1`);
  }
  oneOf(root.kind, ["dag", "task"], "the plan's kind");
  const name = localName(root.name, "the plan's name");
  oneOf(root.failure, ["stop", "continue"], "the plan's failure");
  if (root.deadlineMs !== undefined)
    whole(root.deadlineMs, 1, Number.MAX_SAFE_INTEGER, "the plan's deadlineMs");
  const entries = list(root.steps, "the plan's steps");
  if (entries.length > MAX_PLAN_STEPS) {
    throw invalid(`plan ${quoted(name)} has ${entries.length} steps; a plan has at most ${MAX_PLAN_STEPS}`);
  }
  const steps = new Map<string, PlanStep>();
  entries.forEach((entry, at) => {
    const step = shapeOfStep(entry, at);
    if (steps.has(step.name))
      throw invalid(`two steps of plan ${quoted(name)} are named ${quoted(step.name)}`);
    steps.set(step.name, step);
  });
  shapeOfWiring(root.output, "the plan's output");
  const plan = root as unknown as Plan;
  if (plan.kind === "task" && (plan.steps.length !== 1 || plan.steps[0]?.kind !== "task")) {
    throw invalid(`plan ${quoted(name)} is of a task, so it has exactly one step, a task`);
  }
  checkGraph(plan, steps);
  return plan;
}

function checkGraph(plan: Plan, steps: Steps): void {
  for (const step of plan.steps) checkOwner(step, steps);
  refuseCycle(
    findCycle(plan.steps, (step) => (step.in === undefined ? [] : [step.in])),
    "own each other",
  );
  for (const step of plan.steps) checkParents(step, steps);
  refuseCycle(
    findCycle(plan.steps, (step) => step.parents),
    "wait for each other",
  );
  for (const step of plan.steps) {
    const what = `step ${quoted(step.name)}`;
    refuseItems(step, what);
    if (step.when) checkSource(step.when, { what, user: step, body: step.in }, steps);
    if (step.kind === "map") checkSource(step.over, { what, user: step, body: step.in }, steps);
    else checkWiring(step.input, { what, user: step, body: step.in }, steps);
    if (step.kind !== "task") {
      checkWiring(step.output, { what: `the output of ${what}`, user: undefined, body: step.name }, steps);
    }
  }
  if (hasItems(plan.output)) throw invalid("the plan's output takes items(); only a task's input may");
  checkWiring(plan.output, { what: "the plan's output", user: undefined, body: undefined }, steps);
}

/** What is read page by page is no JSON: only a handler can take it. */
function refuseItems(step: PlanStep, what: string): void {
  const others: Wiring[] = step.when ? [{ value: null, wires: [{ at: [], source: step.when }] }] : [];
  if (step.kind === "map") others.push({ value: null, wires: [{ at: [], source: step.over }] }, step.output);
  if (step.kind === "dag") others.push(step.input, step.output);
  const inner = step.kind === "task" ? step.input.wires.flatMap(({ source }) => argsOf(source)) : [];
  if (![...others, ...inner].some(hasItems)) return;
  throw invalid(`${what} takes items() elsewhere than in a task's input`);
}

function hasItems({ wires }: Wiring): boolean {
  return wires.some(({ source }) => source.from === "items" || argsOf(source).some(hasItems));
}

function argsOf(source: Source): readonly Wiring[] {
  return "args" in source ? source.args : [];
}

function refuseCycle(cycle: readonly string[] | undefined, verb: string): void {
  if (!cycle) return;
  const shown =
    cycle.length > 12
      ? [...cycle.slice(0, 10), `… (${cycle.length - 11} more)`, cycle[0]!]
      : [...cycle, cycle[0]!];
  throw invalid(`steps ${verb} in a cycle: ${shown.join(" → ")}`);
}

function checkOwner(step: PlanStep, steps: Steps): void {
  const what = `step ${quoted(step.name)}`;
  const owner = step.in === undefined ? undefined : steps.get(step.in);
  if (step.in !== undefined && !owner)
    throw invalid(`${what} is in ${quoted(step.in)}, which does not exist`);
  if (owner?.kind === "task")
    throw invalid(`${what} is in ${quoted(owner.name)}, which is a task and owns no steps`);
  // Addresses are made from names: the indices of maps are put behind the segments that these prefixes count.
  const prefix = owner === undefined ? "" : owner.kind === "dag" ? `${owner.name}/` : prefixOf(owner.name);
  if (prefixOf(step.name) !== prefix)
    throw invalid(`${what} has the wrong name for its place; it starts with "${prefix}"`);
  if (isOnFailure(step) && (step.kind !== "dag" || step.parents.length > 0 || step.trigger !== "all_done")) {
    throw invalid(
      `${what} is an onFailure body, so it is a dag step without parents, with the trigger all_done`,
    );
  }
}

function prefixOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/") + 1);
}

function checkParents(step: PlanStep, steps: Steps): void {
  const what = `step ${quoted(step.name)}`;
  if (new Set(step.parents).size !== step.parents.length) throw invalid(`${what} names a parent twice`);
  for (const name of step.parents) {
    const parent = steps.get(name);
    if (!parent) throw invalid(`${what} waits for ${quoted(name)}, which does not exist`);
    if (parent.in !== step.in)
      throw invalid(`${what} waits for ${quoted(name)}, which stands in another body`);
    if (isOnFailure(parent)) throw invalid(`${what} waits for ${quoted(name)}, which is an onFailure body`);
  }
}

/** Where a source is read: by a step, or (no user) by the output of a body. `body` is the owner's name. */
interface Reader {
  readonly what: string;
  readonly user: PlanStep | undefined;
  readonly body: string | undefined;
}

function checkWiring(wiring: Wiring, reader: Reader, steps: Steps): void {
  for (const { source } of wiring.wires) checkSource(source, reader, steps);
}

function checkSource(source: Source, reader: Reader, steps: Steps): void {
  switch (source.from) {
    case "step":
      checkStepSource(source.step, reader, steps);
      return;
    case "item":
    case "index":
      if (steps.get(source.of)?.kind === "map" && isInside(source.of, reader, steps)) return;
      throw invalid(
        `${reader.what} uses the ${source.from} of ${quoted(source.of)}, which is no map around it`,
      );
    case "input":
      if (source.of === undefined) return;
      if (steps.get(source.of)?.kind === "dag" && isInside(source.of, reader, steps)) return;
      throw invalid(`${reader.what} uses the input of ${quoted(source.of)}, which is no dag around it`);
    case "failure": {
      const body = source.of === undefined ? "~onFailure" : `${source.of}/~onFailure`;
      if (steps.has(body) && isInside(body, reader, steps)) return;
      throw invalid(`${reader.what} uses a failure, but stands in no onFailure body of its dag`);
    }
    default:
      for (const arg of source.args) checkWiring(arg, reader, steps);
  }
}

function checkStepSource(name: string, reader: Reader, steps: Steps): void {
  const step = steps.get(name);
  if (!step) throw invalid(`${reader.what} uses ${quoted(name)}, which does not exist`);
  if (step.in === reader.body) {
    if (!reader.user || reader.user.parents.includes(name)) return;
    throw invalid(`${reader.what} uses ${quoted(name)}, but does not wait for it`);
  }
  let owner = reader.body === undefined ? undefined : steps.get(reader.body);
  while (owner && owner.in !== step.in) owner = owner.in === undefined ? undefined : steps.get(owner.in);
  if (!owner) throw invalid(`${reader.what} uses ${quoted(name)}, which stands in a body that it cannot see`);
  if (!owner.parents.includes(name)) {
    throw invalid(
      `${reader.what} uses ${quoted(name)}, but ${quoted(owner.name)} around it does not wait for it`,
    );
  }
}

function isInside(ownerName: string, reader: Reader, steps: Steps): boolean {
  for (let body = reader.body; body !== undefined; body = steps.get(body)?.in)
    if (body === ownerName) return true;
  return false;
}
