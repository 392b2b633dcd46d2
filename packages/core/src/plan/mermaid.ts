import { showPath } from "../values/show-path.js";
import { ON_FAILURE, type Plan, type PlanStep, type Source, type Wiring } from "./plan.js";

/** Deeper bodies are drawn no further to the right, or the text would grow with the square of the depth. */
const MAX_INDENT = 20;
const MAX_LABEL_CHARS = 160;
/** Conditions nested deeper are abbreviated. */
const MAX_CONDITION_DEPTH = 4;
/** How many queues of a spread are named. */
const MAX_QUEUES = 4;

/**
 * Draws a plan as a mermaid flowchart: a box for each step, a frame for each map and each dag inside the dag.
 *
 * A dashed arrow is a catch (`one_failed`); an arrow marked "finally" is `all_done`; a condition stands below the step's name.
 *
 * @example
 * console.log(toMermaid(crawl.plan)); // flowchart TD …
 */
export function toMermaid(plan: Plan): string {
  const ids = new Map(plan.steps.map((step, i) => [step.name, `s${i}`]));
  const lines = ["flowchart TD"];
  drawBodies(plan, ids, lines);
  for (const step of plan.steps) {
    for (const parent of step.parents)
      lines.push(`  ${ids.get(parent)} ${arrowTo(step)} ${ids.get(step.name)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Draws every step inside its owner, with a stack of its own: nesting must not cost call stack. */
function drawBodies(plan: Plan, ids: ReadonlyMap<string, string>, lines: string[]): void {
  const bodies = new Map<string | undefined, PlanStep[]>();
  for (const step of plan.steps) {
    const body = bodies.get(step.in);
    if (body) body.push(step);
    else bodies.set(step.in, [step]);
  }
  const open = [(bodies.get(undefined) ?? []).values()];
  while (open.length > 0) {
    const { value: step, done } = (open.at(-1) as IterableIterator<PlanStep>).next();
    const indent = "  ".repeat(Math.min(open.length, MAX_INDENT));
    if (done) {
      open.pop();
      if (open.length > 0) lines.push(`${"  ".repeat(Math.min(open.length, MAX_INDENT))}end`);
      continue;
    }
    const box = `${ids.get(step.name)}["${labelOf(step)}"]`;
    const body = bodies.get(step.name);
    lines.push(body ? `${indent}subgraph ${box}` : `${indent}${box}`);
    if (body) open.push(body.values());
  }
}

function arrowTo(step: PlanStep): string {
  if (step.trigger === "one_failed") return "-. on failure .->";
  return step.trigger === "all_done" ? "-- finally -->" : "-->";
}

function labelOf(step: PlanStep): string {
  const local = step.name.slice(step.name.lastIndexOf("/") + 1);
  const lines = [local === ON_FAILURE ? "on failure" : local];
  if (step.kind === "task" && step.task !== local.replace(/~\d+$/, "")) lines.push(`task ${step.task}`);
  if (step.kind === "dag" && local !== ON_FAILURE && step.dag !== local) lines.push(`dag ${step.dag}`);
  if (step.kind === "map") {
    lines.push(`for each of ${showSource(step.over, 0)}`);
    if (step.spread) lines.push(`spread ${step.spread.by} over ${showQueues(step.spread.queues)}`);
  }
  if (step.stickyMs !== undefined) lines.push(`sticky for ${step.stickyMs} ms`);
  if (step.when) lines.push(`when ${showSource(step.when, 0)}`);
  return lines.map(escapeLabel).join("<br/>");
}

function showQueues(queues: readonly string[]): string {
  return queues.length > MAX_QUEUES
    ? `${queues.slice(0, MAX_QUEUES).join(", ")} and ${queues.length - MAX_QUEUES} more`
    : queues.join(", ");
}

function showSource(source: Source, depth: number): string {
  if (depth > MAX_CONDITION_DEPTH) return "…";
  switch (source.from) {
    case "step":
      return source.step + showPath(source.path);
    case "or":
    case "eq":
    case "not": {
      const args = source.args.map((arg) => showWiring(arg, depth + 1));
      return `${source.from}(${args.join(", ")})${showPath(source.path)}`;
    }
    default:
      return source.from + showPath(source.path);
  }
}

function showWiring(wiring: Wiring, depth: number): string {
  const whole = wiring.wires.find((wire) => wire.at.length === 0);
  return whole ? showSource(whole.source, depth) : JSON.stringify(wiring.value);
}

/** Everything that mermaid or HTML might read as something else becomes a character code, `#35;`. */
function escapeLabel(text: string): string {
  const short = text.length > MAX_LABEL_CHARS ? `${text.slice(0, MAX_LABEL_CHARS)}…` : text;
  return short.replace(/[^\p{L}\p{N} ._~/[\]():,=…-]/gu, (char) => `#${char.codePointAt(0)};`);
}
