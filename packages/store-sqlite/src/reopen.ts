import { RUN_ADDRESS, type StepAddress, valueKey } from "@jobbers/core";
import { dropLetter, hasLetter } from "./dead-letters.js";
import { isEpilogue } from "./epilogue.js";
import type { Run, Step } from "./records.js";
import { phaseBefore } from "./report.js";
import {
  type Fate,
  fateOf,
  forgetResult,
  forgetStep,
  isCaughtAnew,
  keptMarks,
  takeFromFailures,
  undecide,
} from "./rerun.js";
import { bodyOf, DEFINITE, failureOf, halts, isSettledState } from "./settle.js";
import type { Unit } from "./unit.js";
import { dropValue, errorKey, putValue } from "./values.js";

/**
 * What a retry by hand makes of one step of an ended run. Each record is changed for itself, whatever the order:
 *
 * - Of a step's marks only successes count on. Every parent that ended otherwise either runs again, or says again how it ended.
 * - So a step that is to run again is ready where all its parents succeeded, else blocked until they have told it.
 * - Whatever counts for a body is taken out of its counts again, so no body can end before all of it has settled.
 *
 * Nothing is put into a line here: see retry.ts.
 */
export function reopen(unit: Unit, step: Step): void {
  const fate = fateOf(step);
  if (fate === "goes") {
    forgetStep(unit, step);
    return;
  }
  const isOver = isEpilogue(step) || !goesOn(unit, step.run, step.spec.owner);
  if (isOver) bury(unit, step);
  else if (fate === "runs" || fate === "waits") takeBack(unit, step, fate);
  else if (isKept(unit, step)) {
    if (isCaughtAnew(step)) undecide(unit, step);
    else if (step.state === "failed" && step.rescued === DEFINITE) failFor(unit, step);
    tellAgain(unit, step);
  } else if (step.state === "blocked") forgetMarks(step);
  else if (step.state === "expanding") endEpilogue(unit, step);
  else if (step.state === "succeeded") goOn(unit, step);
  else restart(unit, step);
}

/** Has a step run again whatever came of it, or wait again for those that do. */
function takeBack(unit: Unit, step: Step, fate: Extract<Fate, "runs" | "waits">): void {
  forgetResult(unit, step);
  if (fate === "waits") step.marks = keptMarks(unit, step);
  restart(unit, step, fate === "waits" || forgetMarks(step) ? "blocked" : "ready");
}

/** An inlined dag that had succeeded goes on, because a step in its body runs again. */
function goOn(unit: Unit, step: Step): void {
  step.output = null;
  restart(unit, step, "expanding");
}

/** True while the body below an owner goes on: no owner around it has an end that is kept. */
function goesOn(unit: Unit, run: Run, owner: StepAddress): boolean {
  if (owner === RUN_ADDRESS) return true;
  const step = unit.step(run, owner);
  return step !== undefined && !isEpilogue(step) && !isKept(unit, step) && goesOn(unit, run, step.spec.owner);
}

/** True for a step that a retry may have run again, or whose body it may have go on. */
export function isToGoOn(unit: Unit, step: Step): boolean {
  return !isEpilogue(step) && !isKept(unit, step) && goesOn(unit, step.run, step.spec.owner);
}

/**
 * A success; a failure that was rescued, or that the retry is not about; a step that was skipped, unless a parent may end otherwise
 * this time. Nothing that a rerun takes back.
 */
function isKept(unit: Unit, step: Step): boolean {
  const { state, spec, rescued, marks } = step;
  if (fateOf(step)) return false;
  if (isCaughtAnew(step)) return true;
  if (state === "failed") return (spec.catchers > 0 && rescued === spec.catchers) || isLeftOut(unit, step);
  return state === "succeeded" || (state === "skipped" && marks === null);
}

/** True for a step that failed for good by itself, where a retry is about others. What ran because a parent failed is judged anew. */
function isLeftOut(unit: Unit, step: Step): boolean {
  const { only } = step.run;
  if (!only || step.rescued !== DEFINITE || step.reason === "body" || step.marks !== null) return false;
  if ("rerun" in only) return true;
  if ("letters" in only) return !hasLetter(unit, step, only.letters);
  return step.address !== only.step && step.spec.name !== only.step;
}

/** What was said to have failed first may run again: then a failure that is left out is what its body fails of. */
function failFor(unit: Unit, step: Step): void {
  const { run, spec } = step;
  run.failures ??= new Set();
  if (isEpilogue(step) || run.failures.has(spec.owner)) return;
  run.failures.add(spec.owner);
  putValue(unit.sql, run.seq, valueKey.failure(spec.owner), failureOf(unit, step));
}

/** What has not ended in a body that is over never will: it is cancelled, and nothing follows. */
function bury(unit: Unit, step: Step): void {
  const isSettled = isSettledState(step.state);
  if (isSettled && step.phase !== "advance") return;
  if (isSettled) step.phase = phaseBefore(step);
  else unit.move(step, "cancelled", "cancelled");
  step.seq = 0;
  step.dirty = true;
  count(unit, step, 1);
}

/** What follows a success is known, but for what nobody has told yet. Any other end is told once more, from the beginning. */
function tellAgain(unit: Unit, step: Step): void {
  const isSuccess = step.state === "succeeded";
  if (step.phase !== "advance") {
    if (isSuccess || step.spec.dependents === 0) return;
    count(unit, step, -1);
    step.phase = "advance";
  }
  if (!isSuccess) step.cursor = 0;
  step.seq = 0;
  step.dirty = true;
}

/** Takes what is no success out of a step's marks; true when there was anything. */
function forgetMarks(step: Step): boolean {
  if (!step.marks) return false;
  const [succeeded, ...others] = step.marks;
  if (others.every((n) => n === 0)) return false;
  step.marks = succeeded > 0 ? [succeeded, 0, 0, 0] : null;
  step.dirty = true;
  return true;
}

/** An onFailure body that has begun does not begin again, so nobody waits for it. */
function endEpilogue(unit: Unit, step: Step): void {
  const body = unit.body(step);
  if (body.epilogue !== "running") return;
  body.epilogue = "over";
  body.dirty = true;
}

/** Has a step run again, or the body of a map or an inlined dag go on. */
function restart(unit: Unit, step: Step, to?: "ready" | "blocked" | "expanding"): void {
  const { run, address, spec } = step;
  const hasBody = to === undefined ? step.reason === "body" : to === "expanding";
  uncount(unit, step);
  if (step.rescued === DEFINITE) dropLetter(unit, step);
  if (step.state === "failed" || step.tries > 0 || step.lost > 0)
    dropValue(unit.sql, run.seq, errorKey(address));
  unit.move(step, to ?? (hasBody ? "expanding" : forgetMarks(step) ? "blocked" : "ready"));
  step.phase = hasBody ? phaseBefore(step) : spec.phase;
  step.fence++;
  step.tries = step.lost = step.rescued = step.seq = 0;
  step.ready = step.started = step.ended = step.due = null;
  // Its input is the same, but the code that says the keys of its limits may be another.
  step.limits = null;
  if (!hasBody && spec.kind === "map") layOutAgain(unit, step);
  // The step that stands for the rest of a submission goes on where it was.
  if (address !== RUN_ADDRESS) step.cursor = 0;
}

/** A map that was not laid out to its end begins anew with its list; what has a record is left alone then. */
function layOutAgain(unit: Unit, step: Step): void {
  const body = unit.body(step);
  if (body.count === null) return;
  body.count = null;
  body.dirty = true;
}

/** Takes a settled step out of all that it was counted in. */
function uncount(unit: Unit, step: Step): void {
  if (!isSettledState(step.state)) return;
  if (step.phase !== "advance") count(unit, step, -1);
  if (step.rescued === DEFINITE) takeFromFailures(unit, step);
}

/** One member more or less that has settled; onFailure bodies, and what stands for the rest of a submission, are none. */
function count(unit: Unit, step: Step, n: 1 | -1): void {
  const { run, address, spec } = step;
  if (address === RUN_ADDRESS || isEpilogue(step)) return;
  const body = bodyOf(unit, run, spec.owner);
  body.settled += n;
  if (halts(step)) body.halted += n;
  body.dirty = true;
}
