import type {
  DagStep,
  FailureMode,
  JsonValue,
  MapStep,
  Plan,
  PlanStep,
  RetryPlan,
  Source,
  TaskStep,
  Trigger,
  Wiring,
} from "@jobbers/core";
import { ON_FAILURE } from "@jobbers/core";

/**
 * Plans by hand, one call a step: shorter than `dag()` for tests of stores, and able to say what `dag()` would refuse.
 */

/** What any step may be given; all of it may be left out. */
export interface StepParts {
  /** The siblings it waits for. */
  readonly after?: readonly string[];
  /** The map or inlined dag whose body it is in. */
  readonly in?: string;
  readonly trigger?: Trigger;
  readonly when?: Source;
  readonly stickyMs?: number;
}

/** What a task's step may be given beside. */
export interface TaskStepParts extends StepParts {
  /** Default: the step's name without prefix and brackets. */
  readonly task?: string;
  readonly queue?: string;
  readonly priority?: number;
  readonly retry?: Partial<RetryPlan>;
  readonly startWithinMs?: number;
  readonly events?: "each";
  /** Default: an object with the output of each parent that is a task. */
  readonly input?: Wiring;
}

const noRetry: RetryPlan = { attempts: 1, backoff: "fixed", delayMs: 0, maxMs: 0, jitter: false };

/** The source of a step's output, or of a part of it. */
export const fromStep = (step: string, ...path: (string | number)[]): Source => ({
  from: "step",
  step,
  path,
});
/** The source of the run's input, or of a part of it. */
export const fromInput = (...path: (string | number)[]): Source => ({ from: "input", path });
/** The source of the input of an inlined dag. */
export const fromInputOf = (of: string, ...path: (string | number)[]): Source => ({
  from: "input",
  of,
  path,
});
/** The source of a map's element. */
export const fromItem = (of: string, ...path: (string | number)[]): Source => ({ from: "item", of, path });
/** The wiring of one source alone. */
export const wire = (source: Source): Wiring => ({ value: null, wires: [{ at: [], source }] });
/** The wiring of a literal. */
export const literal = (value: JsonValue): Wiring => ({ value, wires: [] });

/**
 * A step that calls a task.
 *
 * @example
 * taskStep("b", { after: ["a"], trigger: "all_done" });
 */
export function taskStep(name: string, parts: TaskStepParts = {}): TaskStep {
  const { task = baseName(name), queue = "default", priority, retry, startWithinMs, events, input } = parts;
  return {
    ...base(name, parts),
    kind: "task",
    task,
    queue,
    ...(priority !== undefined && { priority }),
    retry: { ...noRetry, ...retry },
    ...(startWithinMs !== undefined && { startWithinMs }),
    ...(events !== undefined && { events }),
    input: input ?? parentsInput(parts.after ?? []),
  };
}

/** A map over a list; the steps whose `in` names it are its body. */
export function mapStep(
  name: string,
  over: Source,
  parts: StepParts & { readonly output?: Wiring } = {},
): MapStep {
  const body = name.slice(0, -2);
  return { ...base(name, parts), kind: "map", over, output: parts.output ?? wire(fromStep(body)) };
}

/** A dag inside the dag; its steps are named with its prefix: `site/fetch`. */
export function dagStep(
  name: string,
  parts: StepParts & {
    readonly dag?: string;
    readonly parses?: boolean;
    readonly input?: Wiring;
    readonly output?: Wiring;
  } = {},
): DagStep {
  const { dag = baseName(name), parses = false, input = literal(null), output = literal(null) } = parts;
  return { ...base(name, parts), kind: "dag", dag, parses, input, output, failure: "stop" };
}

/** The step that holds the onFailure body of the run, or of the inlined dag `owner`. */
export function onFailureStep(owner?: string): DagStep {
  const name = owner === undefined ? ON_FAILURE : `${owner}/${ON_FAILURE}`;
  return dagStep(name, { ...(owner !== undefined && { in: owner }), trigger: "all_done", dag: "handled" });
}

/** A plan of steps. */
export function planOf(
  name: string,
  steps: readonly PlanStep[],
  parts: { readonly failure?: FailureMode; readonly output?: Wiring } = {},
): Plan {
  return {
    format: 1,
    kind: "dag",
    name,
    failure: parts.failure ?? "stop",
    steps,
    output: parts.output ?? literal(null),
  };
}

function base(name: string, { after = [], trigger = "all_success", when, in: owner, stickyMs }: StepParts) {
  return {
    ...{ name, ...(owner !== undefined && { in: owner }), parents: after, trigger },
    ...(when && { when }),
    ...(stickyMs !== undefined && { stickyMs }),
  };
}

function parentsInput(after: readonly string[]): Wiring {
  const tasks = after.filter((name) => !name.endsWith("[]"));
  return {
    value: Object.fromEntries(tasks.map((name) => [name, null])),
    wires: tasks.map((name) => ({ at: [name], source: fromStep(name) })),
  };
}

function baseName(name: string): string {
  return (name.split("/").at(-1) as string).replace(/(\[\])+$/, "");
}
