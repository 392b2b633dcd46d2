import { CHILDREN, itemsOf, mix, sum } from "./values.js";
import type { Load, WorkflowName } from "./workflows.js";

/** How a run has to end, whatever happened to those who executed it. */
export interface Expectation {
  readonly state: "succeeded" | "failed";
  /** Where it fails: which steps may be named as the cause. */
  readonly failing: readonly string[];
  /** The values in its output, in the order in which the workflow names them. */
  readonly output: readonly number[];
  /** Every step whose handler is called, by address. */
  readonly steps: ReadonlyMap<string, ExpectedStep>;
}

export interface ExpectedStep {
  /** How often its handler is called where nothing goes wrong: once, and once more for each declared retry. */
  readonly executions: number;
  /** What it says in the end; absent where it fails. */
  readonly v?: number | undefined;
}

/**
 * Works out by hand, apart from plans and engine, how a run has to end.
 *
 * @example
 * expectationOf("begin", { n: 1, ms: 5 }).output; // [38]
 */
export function expectationOf(workflow: WorkflowName, { n }: Load): Expectation {
  switch (workflow) {
    case "begin":
      return succeeds([mix(n)], { begin: mix(n) });
    case "chain":
      return chain(n);
    case "diamond": {
      const side = mix(mix(n));
      const v = mix(2 * side + side);
      return succeeds([v], { begin: mix(n), left: side, right: side, join: v });
    }
    case "map":
      return map(n);
    case "careful":
      return careful(n);
    case "stubborn":
      return stubborn(n);
  }
}

function chain(n: number): Expectation {
  const values: Record<string, number> = {};
  let v = mix(n);
  values.begin = v;
  for (let i = 1; i < 5; i++) {
    v = mix(v);
    values[`step-${i}`] = v;
  }
  return succeeds([v], values);
}

function map(n: number): Expectation {
  const parts = itemsOf(n).map(mix);
  const children = Object.fromEntries(parts.map((v, i) => [`child[${i}]`, v]));
  if (parts.length !== CHILDREN) throw new Error("the map has another width");
  return succeeds([sum(parts)], { list: mix(n), ...children, total: sum(parts) });
}

function careful(n: number): Expectation {
  const tidied = mix(n);
  if (n % 2 === 0) return succeeds([mix(n), tidied], { risky: mix(n), finally: tidied });
  const isRescued = n % 3 !== 0;
  const caught = isRescued ? mix(n + 1) : undefined;
  const steps = new Map<string, ExpectedStep>([
    ["risky", { executions: 1 }],
    ["catch", { executions: 1, v: caught }],
    ["finally", { executions: 1, v: tidied }],
  ]);
  if (caught === undefined) return { state: "failed", failing: ["risky", "catch"], output: [], steps };
  return { state: "succeeded", failing: [], output: [caught, tidied], steps };
}

function stubborn(n: number): Expectation {
  const failures = n % 5;
  if (failures < 3) {
    const steps = new Map([["stubborn", { executions: failures + 1, v: mix(n) }]]);
    return { state: "succeeded", failing: [], output: [mix(n)], steps };
  }
  const steps = new Map([["stubborn", { executions: 3 }]]);
  return { state: "failed", failing: ["stubborn"], output: [], steps };
}

function succeeds(output: readonly number[], values: Readonly<Record<string, number>>): Expectation {
  const steps = new Map(Object.entries(values).map(([step, v]) => [step, { executions: 1, v }]));
  return { state: "succeeded", failing: [], output, steps };
}
