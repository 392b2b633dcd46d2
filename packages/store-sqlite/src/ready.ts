import type { LimitUse, Phase, StepSpec } from "@jobbers/core";
import { addExpiryTimer, expiryOf } from "./expiry.js";
import { CONTROL } from "./ledger.js";
import { packUses } from "./limit-rules.js";
import type { Run, Step } from "./records.js";
import { settle } from "./settle.js";
import { nearLineOf } from "./sticky.js";
import type { Unit } from "./unit.js";

/** Makes the entry steps of a body ready; those that have a record already are left alone, so a page may come twice. */
export function startEntries(
  unit: Unit,
  run: Run,
  specs: readonly StepSpec[],
  limits?: readonly LimitUse[] | undefined,
  near: string | null = null,
): void {
  for (const spec of specs) {
    if (unit.step(run, spec.address)) continue;
    const step = unit.addStep(run, spec);
    if (limits) step.limits = packUses(limits);
    if (spec.stickyMs !== undefined) step.near = near;
    release(unit, step);
  }
}

/** Lets a step run that its parents have let through, unless the run is stopped. */
export function release(unit: Unit, step: Step): void {
  if (isStopped(step)) settle(unit, step, "cancelled", "stopped");
  else makeReady(unit, step);
}

/** True for a step that `stop` cancels. A map or dag whose body has begun goes on, to see the end of what runs in it. */
export function isStopped({ run, spec, phase, cursor }: Step): boolean {
  return run.stopped === 1 && spec.stoppable && phase !== "advance" && cursor === 0;
}

/** Puts a step at the end of its line, or before all others. */
export function makeReady(unit: Unit, step: Step, first = false): void {
  const due = expiryOf(unit, step);
  unit.move(step, "ready");
  step.ready = unit.now;
  step.due = due;
  enqueue(unit, step, first);
  addExpiryTimer(unit, step);
}

/** Hands a settled step to some worker, to be told what follows from `cursor` on. */
export function requestAdvance(unit: Unit, step: Step, cursor: number): void {
  step.phase = "advance";
  step.cursor = cursor;
  enqueue(unit, step);
}

/** An entry in the line of a step's queue and priority, or in the control line. */
export function enqueue(unit: Unit, step: Step, first = false): void {
  const limits = isControl(step.phase) ? "" : unit.limits.textOf(step);
  // Some worker has to say first which keys its input has.
  if (limits === undefined) step.phase = "admit";
  step.seq = first ? unit.turn.nextFrontSeq() : unit.turn.nextSeq();
  step.dirty = true;
  const queue = isControl(step.phase) ? CONTROL : step.spec.queue;
  const needs = limits ? needsOf(step) : "";
  const priority = priorityOf(step);
  const near = limits === "" && !isControl(step.phase) ? nearLineOf(unit, step, priority) : undefined;
  const line = near ?? unit.ledger.line(queue, priority, needs, limits);
  unit.ledger.push(line, step.seq, step.run.seq, step.address);
}

/** All work but running a task is control work. */
export function isControl(phase: Phase): boolean {
  return phase !== "run";
}

export function priorityOf(step: Step): number {
  return step.spec.priority ?? step.run.priority;
}

/** What a session has to serve in order to be handed a step as it is now. Saying what follows needs nothing but the plan. */
export function needsOf(step: Step): string {
  return step.phase === "advance" ? "" : step.spec.needs;
}
