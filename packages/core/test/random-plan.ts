import fc from "fast-check";
import type { DagStep, MapStep, Plan, PlanStep, TaskStep, Wiring } from "../src/index.js";

/** What a body holds, before it is written as a flat list of steps. */
type Node =
  | { readonly kind: "task"; readonly name: string }
  /** A map is named after the step that its body returns: the last one here. */
  | { readonly kind: "map" | "dag"; readonly name: string; readonly body: readonly Node[] };

export const nothing: Wiring = { value: null, wires: [] };
const base = { parents: [], trigger: "all_success" } as const;
const retry = { attempts: 1, backoff: "fixed", delayMs: 0, maxMs: 0, jitter: false } as const;

export function taskStep(name: string, more: Partial<TaskStep> = {}): TaskStep {
  const task = name.slice(name.lastIndexOf("/") + 1).replace(/~\d+$/, "");
  return { ...base, kind: "task", name, task, queue: "default", retry, input: nothing, ...more };
}

export function mapStep(name: string, more: Partial<MapStep> = {}): MapStep {
  return { ...base, kind: "map", name, over: { from: "input", path: [] }, output: nothing, ...more };
}

export function dagStep(name: string, more: Partial<DagStep> = {}): DagStep {
  const dag = name.slice(name.lastIndexOf("/") + 1).replace(/~\d+$/, "");
  return {
    ...base,
    kind: "dag",
    name,
    dag,
    parses: false,
    input: nothing,
    output: nothing,
    failure: "stop",
    ...more,
  };
}

export function planOf(steps: readonly PlanStep[]): Plan {
  return { format: 1, kind: "dag", name: "test", failure: "stop", steps, output: nothing };
}

const localName = fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/);
const { body } = fc.letrec<{ node: Node; body: readonly Node[] }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("task" as const), name: localName }),
    fc.record({ kind: fc.constantFrom("map" as const, "dag" as const), name: localName, body: tie("body") }),
  ),
  body: fc.array(tie("node"), { minLength: 1, maxLength: 3 }),
}));

/** Plans with any nesting of maps and dags, named as `FACE.md` has it. */
export const randomPlan: fc.Arbitrary<Plan> = body.map((nodes) => {
  const steps: PlanStep[] = [];
  write(nodes, "", undefined, steps, new Map());
  return planOf(steps);
});

/** Writes a body's steps and answers the name of its last one, which stands for what the body returns. */
function write(
  nodes: readonly Node[],
  prefix: string,
  owner: string | undefined,
  steps: PlanStep[],
  used: Map<string, number>,
): string {
  let last = "";
  for (const node of nodes) {
    const place = owner === undefined ? {} : { in: owner };
    if (node.kind === "map") {
      // The body comes first, since the map's name is made from it; its steps get their owner afterwards.
      const inside: PlanStep[] = [];
      const returned = write(node.body, prefix, "?", inside, used);
      last = `${returned}[]`;
      const own = inside.map((step) => (step.in === "?" ? { ...step, in: last } : step));
      steps.push(mapStep(last, place), ...own);
      continue;
    }
    const times = (used.get(prefix + node.name) ?? 0) + 1;
    used.set(prefix + node.name, times);
    last = prefix + node.name + (times > 1 ? `~${times}` : "");
    steps.push(node.kind === "task" ? taskStep(last, place) : dagStep(last, place));
    if (node.kind === "dag") write(node.body, `${last}/`, last, steps, used);
  }
  return last;
}
