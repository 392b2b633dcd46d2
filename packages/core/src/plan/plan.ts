/**
 * The plan: a dag as data, fixed before it runs.
 *
 * Steps stand in one flat list. A `map` or `dag` step owns a body: the steps whose `in` names it. Steps depend only on
 * steps of the same body (siblings); what a body needs from outside is a parent of its owner. So the whole graph is a tree
 * of small DAGs, and whoever settles a step needs to look at its siblings and its owner, at nothing else.
 */

/** Any value that JSON carries unchanged. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Object keys and list indices from a value down to a part of it. */
export type Path = readonly (string | number)[];

/** Where a value comes from when a step's input is put together. Names are plan names (see {@link PlanStep.name}). */
export type Source =
  /** The input of the run, or of the inlined dag `of`. */
  | { readonly from: "input"; readonly of?: string; readonly path: Path }
  /** The output of a step. */
  | { readonly from: "step"; readonly step: string; readonly path: Path }
  /** The element, or its index, for which this instance of the body of map `of` stands. */
  | { readonly from: "item"; readonly of: string; readonly path: Path }
  | { readonly from: "index"; readonly of: string; readonly path: Path }
  /** Inside an onFailure body: what failed first (`{ step, error: { name, message } }`) in the dag that owns the body. */
  | { readonly from: "failure"; readonly of?: string; readonly path: Path }
  /** `or(a, b)`: a unless missing or null; `eq(a, b)`: same JSON; `not(a)`. Conditions are data, so that anybody can judge them. */
  | { readonly from: "or" | "eq" | "not"; readonly args: readonly Wiring[]; readonly path: Path }
  /** `items(list)`, only in a task's input: the list, to be read page by page. Its path is empty. */
  | { readonly from: "items"; readonly args: readonly Wiring[]; readonly path: Path };

/** A literal with holes: `value`, in which each wire's source is put at its path. */
export interface Wiring {
  readonly value: JsonValue;
  readonly wires: readonly Wire[];
}

export interface Wire {
  readonly at: Path;
  readonly source: Source;
}

/** When a step whose parents have all settled runs; the table is in `trigger.ts`. */
export type Trigger = "all_success" | "none_failed" | "one_failed" | "all_done";

/** Whether an uncaught failure cancels what has not started, or lets independent branches run on. */
export type FailureMode = "stop" | "continue";

/** Whether an only child of an only parent is handed straight on, past its queue. */
export type Inlining = "auto" | "always" | "never";

/** Retry as the plan keeps it: all durations in milliseconds, all defaults filled in. */
export interface RetryPlan {
  /** How many tries a step has in all, the first included. */
  readonly attempts: number;
  readonly backoff: "fixed" | "exponential";
  readonly delayMs: number;
  readonly maxMs: number;
  /** Full jitter: a delay is drawn evenly from zero to its computed value. */
  readonly jitter: boolean;
  /** The delay before each further try, the last one repeating; then `backoff`, `delayMs` and `maxMs` say nothing. */
  readonly delaysMs?: readonly number[];
}

interface PlanStepBase {
  /** Unique in the plan: `fetch`, `add~2`, `fetch[]` (a map), `site/fetch` (inside the inlined dag `site`). */
  readonly name: string;
  /** The map or inlined dag that owns this step; absent at the top. */
  readonly in?: string;
  /** The siblings this step waits for, each once, in order of appearance. */
  readonly parents: readonly string[];
  readonly trigger: Trigger;
  /** A boolean that decides, once the trigger let the step run, whether it is skipped after all. */
  readonly when?: Source;
  /**
   * How long it is left to the worker that ran the parent that ended last, in milliseconds; of a map or dag it goes for what its body begins with. Absent: any
   * worker may take it at once.
   */
  readonly stickyMs?: number;
}

/** A call of a task. */
export interface TaskStep extends PlanStepBase {
  readonly kind: "task";
  readonly task: string;
  readonly queue: string;
  /** Set where the call itself names its queue, so that a spread of a map around it does not change that. */
  readonly keepsQueue?: true;
  /** 0 to 9, higher first; absent: the run's own. */
  readonly priority?: number;
  readonly retry: RetryPlan;
  readonly timeoutMs?: number;
  /** How long it may stand in its line before its first try. */
  readonly startWithinMs?: number;
  readonly heartbeatMs?: number;
  /** Whether its starts and its end are told one by one; absent: summed up. */
  readonly events?: "each";
  /** Whether it is handed straight on as an only child; absent: `auto`. */
  readonly inline?: Inlining;
  readonly input: Wiring;
}

/** One instance of its body for each element of a list; its output is the list of the instances' outputs. */
export interface MapStep extends PlanStepBase {
  readonly kind: "map";
  readonly over: Source;
  /** How its instances are laid over queues; absent: their steps stand in their own. */
  readonly spread?: SpreadPlan;
  /** What the body returns, seen from inside one instance. */
  readonly output: Wiring;
}

/** How the instances of a map are laid over queues, as far as that is data. */
export interface SpreadPlan {
  /** The spread's name. */
  readonly by: string;
  readonly queues: readonly string[];
  /** The share of each queue, in proportion to their sum; absent: all alike. */
  readonly weights?: readonly number[];
  /** Set where a function chooses, which is found in the code of the dag that the plan is of. */
  readonly code?: true;
}

/** A dag called inside a dag: a body that runs once, behind an input of its own. */
export interface DagStep extends PlanStepBase {
  readonly kind: "dag";
  readonly dag: string;
  /** True when the dag's input schema has to parse the input, for which a worker needs the dag's code. */
  readonly parses: boolean;
  readonly input: Wiring;
  readonly output: Wiring;
  /** The mode of the outermost dag rules the whole run; this one is kept for drawings. */
  readonly failure: FailureMode;
}

export type PlanStep = TaskStep | MapStep | DagStep;

/** A dag, or a single task, as canonical JSON. Its version is the hash of that JSON. */
export interface Plan {
  readonly format: 1;
  readonly kind: "dag" | "task";
  readonly name: string;
  readonly failure: FailureMode;
  /** The deadline of a run whose submission names none, from when the run is due to start. */
  readonly deadlineMs?: number;
  readonly steps: readonly PlanStep[];
  /** What a run of this plan answers. */
  readonly output: Wiring;
}

/**
 * The local name of the step that holds an onFailure body (`~` cannot stand in a user's name). It is a `dag` step without
 * parents; it is not counted among its owner's members, and starts when all of them have settled and some failed.
 */
export const ON_FAILURE = "~onFailure";

/** The most steps that one plan may have. */
export const MAX_PLAN_STEPS = 10_000;
