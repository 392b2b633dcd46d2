import {
  type Follow,
  judge,
  judgeBody,
  RUN_ADDRESS,
  type StepAddress,
  type StepReason,
  type StepSpec,
  type StepState,
  valueKey,
} from "@jobbers/core";
import { addLetter } from "./dead-letters.js";
import { isEpilogue, startEpilogue } from "./epilogue.js";
import { endLease } from "./lease.js";
import { isStopped, release, requestAdvance } from "./ready.js";
import type { Body, Run, Step } from "./records.js";
import { endRun } from "./run-end.js";
import { countWait } from "./shares.js";
import { stickTo } from "./sticky.js";
import type { Unit } from "./unit.js";
import { errorKey, getValue, putOutput, putValue } from "./values.js";

/**
 * How things end. A step settles once; then its follow marks the siblings that wait for it, page by page; after the last page it
 * counts for its owner; and when all members of a body have counted, the owner settles, and so on up to the run.
 */

export type Outcome = "succeeded" | "failed" | "skipped" | "cancelled";

/** How many catchers have succeeded, for a failure that is definite: none will change it. */
export const DEFINITE = -1;

/** Settles a step. Without a follow, some worker is asked for it, unless nothing can follow. Output or error are kept already. */
export function settle(
  unit: Unit,
  step: Step,
  outcome: Outcome,
  reason: StepReason | null,
  follow?: Follow,
): void {
  if (step.session !== null && step.phase === "run" && !unit.isLeaving) step.ranBy = step.worker;
  endLease(unit, step);
  unit.move(step, outcome, reason);
  step.seq = 0;
  step.due = null;
  step.ended = unit.now;
  // A run that is being cancelled releases nobody; it ends when its last lease does. A retry by hand asks then what follows.
  if (step.run.cancelling) {
    if (step.address !== RUN_ADDRESS) oweAdvance(step);
    return;
  }
  if (outcome === "failed" && step.spec.catchers === 0) makeDefinite(unit, step);
  if (isEpilogue(step)) endBody(unit, step.run, step.spec.owner);
  else if (step.address === RUN_ADDRESS) settleOpening(unit, step);
  else if (follow) applyFollow(unit, step, follow);
  else if (step.spec.dependents === 0 && !step.spec.catches) countMember(unit, step);
  else requestAdvance(unit, step, 0);
}

/** Nobody is asked what follows, as long as the run is being cancelled. */
function oweAdvance(step: Step): void {
  step.phase = "advance";
  step.cursor = 0;
}

/** Applies a page of what follows a settled step. */
export function applyFollow(unit: Unit, step: Step, { successors, rescues = [], hop = false }: Follow): void {
  const { run } = step;
  for (const parent of rescues) rescue(unit, run, parent, step.state === "succeeded");
  for (const spec of successors.items) mark(unit, step, spec, hop);
  if (successors.next === undefined) countMember(unit, step);
  else requestAdvance(unit, step, successors.next);
}

const markOf = { succeeded: 0, failed: 1, skipped: 2, cancelled: 3 } as const satisfies Record<
  Outcome,
  number
>;

/** Tells a step how one of its parents has settled; the last one has it judged. */
function mark(unit: Unit, parent: Step, spec: StepSpec, hop: boolean): void {
  const { run } = parent;
  // The only child of one parent is met here for the first time, unless that was taken more than once: it may have run before.
  const isFirst = spec.parents === 1 && parent.fence <= 1;
  const step = (isFirst ? undefined : unit.step(run, spec.address)) ?? unit.addStep(run, spec);
  if (step.state !== "blocked") {
    meetAgain(parent, step);
    return;
  }
  const marks = step.marks ?? [0, 0, 0, 0];
  marks[markOf[parent.state as Outcome]]++;
  const [succeeded, failed, skipped, cancelled] = marks;
  const isLast = succeeded + failed + skipped + cancelled === spec.parents;
  // A retry by hand has to know of all but successes.
  step.marks = isLast && succeeded === spec.parents ? null : marks;
  step.dirty = true;
  if (!isLast) return;
  const judgement = judge(spec.trigger, { succeeded, failed, skipped, cancelled });
  stickTo(step, parent);
  if (judgement === "skip") settle(unit, step, "skipped", "parent");
  else if (judgement === "cancel") settle(unit, step, "cancelled", "parent");
  else if (isStopped(step) || !(spec.inline && !hop && spec.phase === "run" && unit.takeInline?.(step)))
    release(unit, step);
}

/** After a retry by hand a parent may end once more. What has begun since it first did goes on; a catcher's success still helps. */
function meetAgain(parent: Step, { spec, state, phase, cursor }: Step): void {
  const hasTold = phase !== "advance" || cursor > 0;
  if (parent.state !== "failed" || !spec.catches || state !== "succeeded" || !hasTold) return;
  if (parent.rescued !== DEFINITE && parent.rescued < parent.spec.catchers) parent.rescued++;
  parent.dirty = true;
}

/** A catcher has settled: its success helps a failed parent, anything else makes that failure definite. */
function rescue(unit: Unit, run: Run, address: StepAddress, succeeded: boolean): void {
  const parent = unit.step(run, address);
  if (parent?.state !== "failed" || parent.rescued === DEFINITE) return;
  if (!succeeded) makeDefinite(unit, parent);
  else parent.rescued++;
  parent.dirty = true;
}

/** A failure that nobody rescues: it counts in its owner, and may stop the run. */
function makeDefinite(unit: Unit, step: Step): void {
  const { run, spec } = step;
  step.rescued = DEFINITE;
  if (spec.kind === "task") addLetter(unit, step);
  if (isEpilogue(step)) return;
  const body = bodyOf(unit, run, spec.owner);
  body.failed++;
  body.dirty = true;
  if (body.failed === 1) putValue(unit.sql, run.seq, valueKey.failure(spec.owner), failureOf(unit, step));
  if (spec.stops && run.mode === "stop" && !run.stopped) {
    run.stopped = 1;
    run.dirty = true;
  }
}

/** What failed, and how: of a body its own first failure, else the step itself. */
export function failureOf({ sql }: Unit, { run, address, reason }: Step): string {
  const inner = reason === "body" ? getValue(sql, run, valueKey.failure(address)) : null;
  const error = () => getValue(sql, run, errorKey(address)) ?? "null";
  return inner ?? `{"step":${JSON.stringify(address)},"error":${error()}}`;
}

/** The body that a step stands in, or that hangs below an owner. */
export function bodyOf(unit: Unit, run: Run, owner: StepAddress): Body & { dirty: boolean } {
  const step = owner === RUN_ADDRESS ? undefined : unit.step(run, owner);
  return step ? unit.body(step) : run;
}

/** True for a step whose end has its body end as cancelled, unless that failed. */
export function halts({ state, reason }: Pick<Step, "state" | "reason">): boolean {
  return state === "cancelled" && (reason === "stopped" || reason === "body" || reason === "obliterated");
}

/** A settled step has told all its siblings: one member less to wait for. */
function countMember(unit: Unit, step: Step): void {
  const { run, spec } = step;
  const body = bodyOf(unit, run, spec.owner);
  body.settled++;
  if (halts(step)) body.halted++;
  body.dirty = true;
  if (spec.laid !== undefined) countWait(unit, step);
  endBodyIfDone(unit, run, spec.owner);
}

/** Ends a body when all its members have counted: its onFailure body first, then its owner. */
export function endBodyIfDone(unit: Unit, run: Run, owner: StepAddress): void {
  const body = bodyOf(unit, run, owner);
  if (body.settled < body.members || run.ended !== null || run.cancelling) return;
  if (owner === RUN_ADDRESS ? isOpening(unit, run) : unit.step(run, owner)?.state !== "expanding") return;
  if (body.failed > 0 && body.epilogue === "waiting") {
    body.epilogue = "running";
    body.dirty = true;
    startEpilogue(unit, run, owner);
  } else if (body.epilogue !== "running") endBody(unit, run, owner);
}

function endBody(unit: Unit, run: Run, owner: StepAddress): void {
  const body = bodyOf(unit, run, owner);
  if (body.epilogue === "running") {
    body.epilogue = "over";
    body.dirty = true;
  }
  const outcome = judgeBody({ failed: body.failed, stopped: body.halted });
  if (owner === RUN_ADDRESS) {
    endRun(unit, run, outcome);
    return;
  }
  const step = unit.step(run, owner) as Step;
  // The owner may have been given up while its members ran on.
  if (isSettledState(step.state)) return;
  if (outcome === "succeeded")
    putOutput(unit, step, step.spec.kind === "map" ? String(unit.body(step).count) : "null");
  settle(unit, step, outcome, outcome === "succeeded" ? null : "body");
}

/** The step that starts what a submission's first page could not hold: without it the run has not all its steps. */
function settleOpening(unit: Unit, { run, state }: Step): void {
  if (state === "failed") endRun(unit, run, "failed");
  else endBodyIfDone(unit, run, RUN_ADDRESS);
}

/** True for a run without steps whose input is still to be parsed; one that has steps waits for those anyway. */
export function isOpening(unit: Unit, run: Run): boolean {
  const opening = run.members === 0 ? unit.step(run, RUN_ADDRESS) : undefined;
  return opening !== undefined && !isSettledState(opening.state);
}

/** True when a step has ended. */
export function isSettledState(state: StepState): state is Outcome {
  return state in markOf;
}
