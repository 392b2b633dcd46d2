import type { Trigger } from "./plan.js";

/** How many parents of a step have settled, by outcome. */
export interface ParentCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
}

/** What becomes of a step whose last parent has settled. */
export type Judgement = "run" | "skip" | "cancel";

/**
 * The trigger table. A step is judged once, when its last parent has settled, from nothing but these counts.
 *
 * | rule          | a parent failed or was cancelled | else a parent was skipped | all succeeded |
 * | ------------- | -------------------------------- | ------------------------- | ------------- |
 * | `all_success` | cancel                           | skip                      | run           |
 * | `none_failed` | cancel                           | run                       | run           |
 * | `one_failed`  | run if one failed, else skip     | skip                      | skip          |
 * | `all_done`    | run                              | run                       | run           |
 *
 * @example
 * judge("one_failed", { succeeded: 2, failed: 1, skipped: 0, cancelled: 0 }); // "run"
 */
export function judge(trigger: Trigger, parents: ParentCounts): Judgement {
  const broken = parents.failed + parents.cancelled > 0;
  switch (trigger) {
    case "all_done":
      return "run";
    case "one_failed":
      return parents.failed > 0 ? "run" : "skip";
    case "none_failed":
      return broken ? "cancel" : "run";
    case "all_success":
      if (broken) return "cancel";
      return parents.skipped > 0 ? "skip" : "run";
  }
}

/** True for the rules that a failure elsewhere cancels in mode `stop`; catch and finally are judged as ever. */
export function isStoppable(trigger: Trigger): boolean {
  return trigger === "all_success" || trigger === "none_failed";
}

/** How a body (a run, a map, an inlined dag) ended, judged when its last member has settled. */
export function judgeBody(members: { readonly failed: number; readonly stopped: number }) {
  if (members.failed > 0) return "failed";
  return members.stopped > 0 ? "cancelled" : "succeeded";
}
