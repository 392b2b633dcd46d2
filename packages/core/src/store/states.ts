/**
 * The state machine of runs and steps.
 *
 * `isSettled`: a step in one of the last four states; `isEnded`: a run in one of its last three. Only a retry by hand leads out
 * of them. The drawings are compared with the tables below by a test; drawing and table change together.
 *
 * Steps:
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> blocked: has parents
 *   [*] --> ready: entry step
 *   blocked --> ready: trigger says run
 *   blocked --> skipped: trigger says skip
 *   blocked --> cancelled: a parent failed, or the run stops
 *   ready --> running: taken, the fence grows
 *   ready --> limited: its line is parked
 *   ready --> succeeded: late success under the same fence
 *   ready --> failed: not started in time
 *   ready --> cancelled: run stops or is cancelled, or its queue was obliterated
 *   limited --> ready: its line is open again
 *   limited --> succeeded: late success under the same fence
 *   limited --> failed: not started in time
 *   limited --> cancelled: run stops or is cancelled
 *   running --> succeeded
 *   running --> failed: tries spent, or quarantined
 *   running --> skipped: its `when` is false
 *   running --> cancelled: gave up when the run was cancelled
 *   running --> ready: given back, reaped, or admitted
 *   running --> waiting: retry or timer
 *   running --> expanding: the body of a map or an inlined dag goes on
 *   running --> suspended: reserved for flows
 *   waiting --> ready: due
 *   waiting --> succeeded: late success under the same fence
 *   waiting --> cancelled: run stops or is cancelled
 *   expanding --> succeeded: body succeeded
 *   expanding --> failed: body failed
 *   expanding --> cancelled: body was cancelled
 *   suspended --> ready: woken up
 *   suspended --> cancelled: run stops or is cancelled
 *   failed --> ready: retried by hand
 *   failed --> blocked: retried by hand
 *   failed --> expanding: retried by hand
 *   cancelled --> ready: retried by hand
 *   cancelled --> blocked: retried by hand
 *   cancelled --> expanding: retried by hand
 *   skipped --> blocked: retried by hand
 *   succeeded --> ready: retried by hand
 *   succeeded --> blocked: retried by hand
 *   succeeded --> expanding: retried by hand
 *   succeeded --> [*]
 *   failed --> [*]
 *   cancelled --> [*]
 *   skipped --> [*]
 * ```
 *
 * Runs (`cancelling` is a mark on a running run, no state of its own):
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> scheduled: has a delay
 *   [*] --> running
 *   scheduled --> running: due
 *   scheduled --> failed: its deadline passed
 *   scheduled --> cancelled
 *   running --> succeeded
 *   running --> failed: a step failed that nobody caught, or its deadline passed
 *   running --> cancelled
 *   failed --> running: retried by hand
 *   cancelled --> running: retried by hand
 *   succeeded --> running: retried by hand
 *   succeeded --> [*]
 *   failed --> [*]
 *   cancelled --> [*]
 * ```
 */

/** Where a run is. */
export type RunState = "scheduled" | "running" | "succeeded" | "failed" | "cancelled";

/** Where a step is. */
export type StepState = keyof typeof stepTransitions;

/** Why a step or one of its attempts ended as it did, or waits. */
export type StepReason =
  /** The handler threw. */
  | "error"
  /** The try took longer than the task's timeout. */
  | "timeout"
  /** No heartbeat for longer than the task allows. */
  | "frozen"
  /** The worker vanished. */
  | "lost"
  /** The step took its worker down three times. */
  | "quarantined"
  /** It was not started in time. */
  | "expired"
  /** Input or output does not fit its schema. */
  | "invalid-input"
  | "invalid-output"
  /** Another step failed, and the dag's failure mode is `stop`. */
  | "stopped"
  /** Its trigger rule said so, from how its parents ended. */
  | "parent"
  /** Its `when` was false. */
  | "condition"
  /** A member of the body of this map or inlined dag ended so. */
  | "body"
  /** Somebody removed all that waited in its queue. */
  | "obliterated"
  /** Somebody cancelled the run. */
  | "cancelled"
  /** A worker gave it back unfinished. */
  | "released"
  /** It had succeeded, but a rerun by hand took its result back. */
  | "rerun";

/** Where a step may go from each state while its run goes on. */
export const stepTransitions = {
  blocked: ["ready", "skipped", "cancelled"],
  ready: ["running", "limited", "succeeded", "failed", "cancelled"],
  limited: ["ready", "succeeded", "failed", "cancelled"],
  running: ["ready", "waiting", "expanding", "suspended", "succeeded", "failed", "cancelled", "skipped"],
  waiting: ["ready", "succeeded", "cancelled"],
  expanding: ["succeeded", "failed", "cancelled"],
  suspended: ["ready", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
  skipped: [],
} as const;

/** Where a retry by hand may take a settled step back to. */
export const reopenTransitions = {
  succeeded: ["ready", "blocked", "expanding"],
  failed: ["ready", "blocked", "expanding"],
  cancelled: ["ready", "blocked", "expanding"],
  skipped: ["blocked"],
} as const satisfies Partial<Record<StepState, readonly StepState[]>>;

/** Where a run may go from each state by itself. */
export const runTransitions = {
  scheduled: ["running", "failed", "cancelled"],
  running: ["succeeded", "failed", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<RunState, readonly RunState[]>;

/** Which ended runs a retry by hand starts again. */
export const runReopenTransitions = {
  succeeded: ["running"],
  failed: ["running"],
  cancelled: ["running"],
} as const satisfies Partial<Record<RunState, readonly RunState[]>>;

/**
 * True when a step may go from one state straight to another, retries by hand (`canReopen`) apart.
 *
 * @example
 * canMove("running", "waiting"); // true
 */
export function canMove(from: StepState, to: StepState): boolean {
  return (stepTransitions[from] as readonly StepState[]).includes(to);
}

/** True when a retry by hand may take a step from one state to another. */
export function canReopen(from: StepState, to: StepState): boolean {
  return (
    isSettled(from) &&
    (reopenTransitions as Partial<Record<StepState, readonly StepState[]>>)[from]!.includes(to)
  );
}

/** True for the states of a step that only a retry by hand leads out of. */
export function isSettled(state: StepState): state is keyof typeof reopenTransitions {
  return stepTransitions[state].length === 0;
}

/** True for the states of a run that only a retry by hand leads out of. */
export function isEnded(state: RunState): state is keyof typeof runReopenTransitions {
  return runTransitions[state].length === 0;
}
