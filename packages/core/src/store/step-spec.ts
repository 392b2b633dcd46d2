import type { StepAddress } from "../plan/address.js";
import type { Trigger } from "../plan/plan.js";

/** At most 500 things, and the cursor at which the next page begins where there is one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: number | undefined;
}

/** The most things one page, report or expansion may carry. */
export const PAGE_LIMIT = 500;

/** All that the store needs in order to judge a step, hand it out and settle it; made from the plan by `graph.ts`. */
export interface StepSpec {
  readonly address: StepAddress;
  /** The plan name: the address without indices. Progress is counted under it. */
  readonly name: string;
  readonly kind: "task" | "map" | "dag";
  /** The address of the map or inlined dag whose body this step is in; "" is the run. */
  readonly owner: StepAddress;
  /** How many parents have to settle before it is judged; 0 for an entry step. */
  readonly parents: number;
  readonly trigger: Trigger;
  /** True when a failure elsewhere cancels it in mode `stop`. */
  readonly stoppable: boolean;
  /** What a session must have registered to be handed this step: a task's name, `dag:NAME`, or "" where any will do. */
  readonly needs: string;
  readonly queue: string;
  /** The queue that a spread chose for the instance of a map in which it stands: what follows it stands there, too. */
  readonly laid?: string | undefined;
  /** 0 to 9; absent: the run's. */
  readonly priority?: number | undefined;
  /**
   * How long it may stand in its line before its first try, from when it became ready for that. What came back unfinished (given back,
   * or its worker vanished) has still that time, not a new one. When it is over, the step fails with reason `expired`.
   */
  readonly startWithinMs?: number | undefined;
  /**
   * How long it stands in a line of the worker that ran the parent that ended last, from when it became ready, before any worker may take it. Of a map or
   * an inlined dag it goes for the entry steps of its body. A step that comes back (given back, retried, lost) sticks to nobody.
   */
  readonly stickyMs?: number | undefined;
  /** Set where its starts and its end are told one by one. */
  readonly each?: true | undefined;
  /** What it is handed out for first: `admit` (a `when` to judge), else `run`, `expand` or `enter` by kind. */
  readonly phase: Exclude<Phase, "advance">;
  /** Keys of the values that go with the step when it is handed out. */
  readonly reads: readonly string[];
  /** How many siblings wait for it. Where none do, the store can settle it without asking a worker what follows. */
  readonly dependents: number;
  /** How many siblings catch its failure (trigger `one_failed`). When all have succeeded, the failure is rescued. */
  readonly catchers: number;
  /** True when it is such a catcher itself. */
  readonly catches: boolean;
  /** True when its definite failure (one that nobody rescues) stops the run in mode `stop`: no owner of it has catchers. */
  readonly stops: boolean;
  /** Set on the only child of an only parent: the store may hand it straight to the session that reports the parent. */
  readonly inline: boolean;
}

/**
 * What a step is handed out for.
 * - `run`: execute the task. - `admit`: judge `when`, and say which limits depend on the input. - `expand`: lay out a map. - `enter`: start an inlined dag's body.
 * - `advance`: the step has settled; say what follows.
 * All but `run` are control: they cost no try, go to every session that fits, and need no free slot.
 */
export type Phase = "run" | "admit" | "expand" | "enter" | "advance";
