import {
  type Follow,
  isSettled,
  locate,
  MAX_LOST,
  type Page,
  phaseOf,
  type StepSpec,
  type StepState,
} from "@jobbers/core";
import { createBody, type MachineRun, type MachineStep } from "./run.js";
import {
  applyFollow,
  begin,
  type Ending,
  endBody,
  endCancelled,
  layOut,
  type Settled,
  settle,
  settleByItself,
  stand,
} from "./settling.js";

/** The transitions of a run, as `docs/internals.md` tells them, one function a sentence. */

/** Entry steps become ready: of the run, of an inlined dag, or of one instance of a map. */
export function startEntries(run: MachineRun, entries: readonly StepSpec[]): void {
  begin(run, entries);
  if (run.body.members === 0) endBody(run, "");
}

/** A step is handed out: its fence grows. */
export function take(step: MachineStep): void {
  step.place = "worker";
  step.fence++;
  if (!isSettled(step.state)) step.state = "running";
}

/** A step that is popped in a stopped run is cancelled, unless it is sheltered, has begun to lay out a body, or has settled. */
export function isDoomed(run: MachineRun, step: MachineStep): boolean {
  if (!run.stopped || run.cancelling || run.state !== "running") return false;
  return step.spec.stoppable && step.place === "line" && step.phase !== "advance" && step.cursor === 0;
}

export function popDoomed(run: MachineRun, step: MachineStep): void {
  settleByItself(run, step, "cancelled", "stopped");
}

/** A worker reports how a step ended, and what follows. */
export function report(
  run: MachineRun,
  step: MachineStep,
  outcome: Settled,
  follow: Follow,
  parts: Ending = {},
): void {
  if (outcome === "failed" && step.phase === "run") step.tries++;
  settle(run, step, outcome, parts);
  if (!run.cancelling) applyFollow(run, step, follow);
  endCancelled(run);
}

/** A worker says what follows a step that settled by itself, or the next page of it. */
export function advance(run: MachineRun, step: MachineStep, follow: Follow): void {
  step.place = "nowhere";
  if (!run.cancelling) applyFollow(run, step, follow);
  endCancelled(run);
}

/** Its condition was true: from now on it is what its kind says. */
export function admit(run: MachineRun, step: MachineStep): void {
  step.phase = phaseOf(locate(run.index, step.spec.address).step);
  giveBack(run, step);
}

/** A page of an inlined dag's entry steps. */
export function enter(
  run: MachineRun,
  step: MachineStep,
  members: number,
  onFailure: boolean,
  entries: Page<StepSpec>,
): void {
  if (run.cancelling) {
    giveUp(run, step);
    return;
  }
  step.body ??= createBody(members, onFailure);
  begin(run, entries.items);
  step.cursor = Math.max(step.cursor, entries.next ?? 0);
  if (entries.next === undefined) layOut(run, step);
}

/** A page of a map's instances. */
export function expand(
  run: MachineRun,
  step: MachineStep,
  size: { readonly count: number; readonly membersEach: number; readonly to: number },
  entries: readonly StepSpec[],
): void {
  if (run.cancelling) {
    giveUp(run, step);
    return;
  }
  step.body ??= createBody(size.count * size.membersEach, false);
  begin(run, entries);
  Object.assign(step, { count: size.count, cursor: size.to });
  if (step.cursor === size.count) layOut(run, step);
}

/** Nothing more of a body is wanted once its run is being cancelled. */
function giveUp(run: MachineRun, step: MachineStep): void {
  settle(run, step, "cancelled", { reason: "cancelled" });
  endCancelled(run);
}

/** The try failed, and another is due later. */
export function retry(run: MachineRun, step: MachineStep): void {
  Object.assign(step, { state: "waiting", place: "timer", tries: step.tries + 1 });
  endCancelled(run);
}

/** Its timer is due. */
export function promote(run: MachineRun, step: MachineStep): void {
  step.state = "ready";
  stand(run, step);
}

/** It was given back, at no cost. */
export function giveBack(run: MachineRun, step: MachineStep): void {
  if (!isSettled(step.state)) step.state = "ready";
  stand(run, step);
  endCancelled(run);
}

/** Its worker vanished: the third time is the last. What has settled is told to the next worker, for ever. */
export function lose(run: MachineRun, step: MachineStep): void {
  step.lost++;
  const isLast = step.phase !== "advance" && step.lost >= MAX_LOST && !run.cancelling;
  if (isLast) settleByItself(run, step, "failed", "quarantined");
  else giveBack(run, step);
  endCancelled(run);
}

/** Nothing of the run is released from now on; it ends when no worker holds anything of it. */
export function cancel(run: MachineRun): void {
  if (run.state !== "running") return;
  run.cancelling = true;
  endCancelled(run);
}

/** The state as a record shows it: what an ended run has not started reads as cancelled. */
export function readState(run: MachineRun, step: MachineStep | undefined): StepState | undefined {
  if (step && isSettled(step.state)) return step.state;
  return run.state === "running" ? step?.state : "cancelled";
}
