import { isSettled } from "@jobbers/core";
import { bodyAround, isEpilogue, type MachineRun, type MachineStep } from "./run.js";
import { endBody, stand } from "./settling.js";

/** A retry by hand of an ended run: see `retry` of the port, whose sentences these are. */
export function retryRun(run: MachineRun): void {
  const steps = [...run.steps.values()];
  for (const step of steps) {
    step.place = "nowhere";
    if (isOver(run, step)) bury(run, step);
    else if (isKept(step)) tellAgain(run, step);
    else if (step.state === "blocked") forgetMarks(step);
    else if (step.state !== "expanding") restart(run, step);
  }
  Object.assign(run, { state: "running", cancelling: false, stopped: false });
  for (const step of steps) if (step.state === "ready" || owesAdvance(step)) stand(run, step);
  if (run.body.settled === run.body.members) endBody(run, "");
}

/** An onFailure body does not go on, nor does what lies in a body whose owner keeps its end. */
function isOver(run: MachineRun, step: MachineStep): boolean {
  if (isEpilogue(step)) return true;
  const owner = run.steps.get(step.spec.owner);
  return owner !== undefined && (isKept(owner) || isOver(run, owner));
}

function isKept({ state, spec, rescued, marks }: MachineStep): boolean {
  if (state === "failed") return spec.catchers > 0 && rescued === spec.catchers;
  const { failed, skipped, cancelled } = marks;
  return state === "succeeded" || (state === "skipped" && failed + skipped + cancelled === 0);
}

const owesAdvance = (step: MachineStep): boolean =>
  isSettled(step.state) && !step.counted && !isEpilogue(step);

function bury(run: MachineRun, step: MachineStep): void {
  if (!isSettled(step.state)) Object.assign(step, { state: "cancelled", reason: "cancelled" });
  if (owesAdvance(step)) count(run, step, 1);
}

function tellAgain(run: MachineRun, step: MachineStep): void {
  if (step.state === "succeeded") return;
  if (step.counted && step.spec.dependents === 0) return;
  if (step.counted) count(run, step, -1);
  Object.assign(step, { phase: "advance", cursor: 0 });
}

/** Only successes count on; true when there was anything else. */
function forgetMarks(step: MachineStep): boolean {
  const { failed, skipped, cancelled } = step.marks;
  Object.assign(step.marks, { failed: 0, skipped: 0, cancelled: 0 });
  return failed + skipped + cancelled > 0;
}

function restart(run: MachineRun, step: MachineStep): void {
  const hasBody = step.reason === "body";
  if (step.counted) count(run, step, -1);
  if (step.definite) {
    const around = bodyAround(run, step);
    around.failed--;
    if (around.failed === 0) around.failure = undefined;
  }
  const state = hasBody ? "expanding" : forgetMarks(step) ? "blocked" : "ready";
  const nothing = { tries: 0, lost: 0, cursor: 0, rescued: 0, definite: false };
  const { phase } = step.spec;
  Object.assign(step, nothing, { state, phase, fence: step.fence + 1, reason: undefined, error: undefined });
}

function count(run: MachineRun, step: MachineStep, n: 1 | -1): void {
  const around = bodyAround(run, step);
  around.settled += n;
  if (step.state === "cancelled" && (step.reason === "stopped" || step.reason === "body")) around.halted += n;
  step.counted = n === 1;
}
