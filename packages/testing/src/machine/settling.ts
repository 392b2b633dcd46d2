import {
  type Follow,
  type JsonValue,
  judge,
  judgeBody,
  locate,
  type StepAddress,
  type StepReason,
  type StepSpec,
  specOf,
} from "@jobbers/core";
import { bodyAround, createStep, epilogueOf, isEpilogue, type MachineRun, type MachineStep } from "./run.js";

/**
 * How things end: a step settles once; its follow marks the siblings that wait for it; after the last page it counts for its
 * owner; and when all members of a body have counted, the owner settles, and so on up to the run.
 */

/** How a step can end. */
export type Settled = "succeeded" | "failed" | "skipped" | "cancelled";

/** Why it ended so, and with which error. */
export interface Ending {
  readonly reason?: StepReason | undefined;
  readonly error?: JsonValue | undefined;
}

function stepOf(run: MachineRun, spec: StepSpec): MachineStep {
  const known = run.steps.get(spec.address);
  if (known) return known;
  const step = createStep(spec, run.fences);
  run.steps.set(spec.address, step);
  return step;
}

/** Steps without parents are released, each once: a page may come twice. */
export function begin(run: MachineRun, entries: readonly StepSpec[]): void {
  if (run.cancelling) return;
  for (const spec of entries) if (!run.steps.has(spec.address)) release(run, stepOf(run, spec));
}

/** A step is judged to run: it is ready, unless the run is stopped. */
function release(run: MachineRun, step: MachineStep): void {
  if (run.stopped && step.spec.stoppable) {
    settleByItself(run, step, "cancelled", "stopped");
  } else {
    step.state = "ready";
    stand(run, step);
  }
}

export function stand(run: MachineRun, step: MachineStep): void {
  step.place = "line";
  run.line.push(step);
}

export function settle(
  run: MachineRun,
  step: MachineStep,
  outcome: Settled,
  { reason, error }: Ending,
): void {
  Object.assign(step, { state: outcome, place: "nowhere", phase: "advance", cursor: 0, reason, error });
  if (run.cancelling) return;
  if (outcome === "failed" && step.spec.catchers === 0) failForGood(run, step);
}

/** The store settles a step without a worker, which has to be asked what follows where there is anything. */
export function settleByItself(
  run: MachineRun,
  step: MachineStep,
  outcome: Settled,
  reason?: StepReason,
): void {
  settle(run, step, outcome, { reason });
  if (run.cancelling) return;
  if (step.spec.dependents > 0 || step.spec.catches) stand(run, step);
  else finish(run, step);
}

/** A failure that nobody rescues counts in its owner, and stops a run in mode `stop`. */
function failForGood(run: MachineRun, step: MachineStep): void {
  step.definite = true;
  if (isEpilogue(step)) return;
  const around = bodyAround(run, step);
  around.failed++;
  around.failure ??= step.body?.failure ?? { step: step.spec.address, error: step.error ?? null };
  if (step.spec.stops && run.mode === "stop") run.stopped = true;
}

export function applyFollow(run: MachineRun, step: MachineStep, { successors, rescues = [] }: Follow): void {
  for (const address of rescues) rescue(run, step, run.steps.get(address) as MachineStep);
  for (const spec of successors.items) mark(run, step, stepOf(run, spec));
  if (successors.next === undefined) {
    finish(run, step);
  } else {
    step.cursor = successors.next;
    stand(run, step);
  }
}

/** A catcher has settled: all of them have to succeed. */
function rescue(run: MachineRun, catcher: MachineStep, parent: MachineStep): void {
  if (parent.state !== "failed" || parent.definite) return;
  if (catcher.state === "succeeded") parent.rescued++;
  else failForGood(run, parent);
}

/** One parent less to wait for; the last one has the step judged. */
function mark(run: MachineRun, parent: MachineStep, step: MachineStep): void {
  if (step.state !== "blocked") {
    meetAgain(parent, step);
    return;
  }
  step.marks[parent.state as Settled]++;
  const { succeeded, failed, skipped, cancelled } = step.marks;
  if (succeeded + failed + skipped + cancelled < step.spec.parents) return;
  const judgement = judge(step.spec.trigger, step.marks);
  if (judgement === "run") release(run, step);
  else settleByItself(run, step, judgement === "skip" ? "skipped" : "cancelled", "parent");
}

/** After a retry by hand: a catcher that has succeeded helps a parent that fails again. */
function meetAgain(parent: MachineStep, step: MachineStep): void {
  const hasTold = step.counted || step.cursor > 0;
  if (parent.state !== "failed" || !step.spec.catches || step.state !== "succeeded" || !hasTold) return;
  if (!parent.definite) parent.rescued = Math.min(parent.rescued + 1, parent.spec.catchers);
}

/** The last page of its follow is applied: it counts for its owner. */
function finish(run: MachineRun, step: MachineStep): void {
  const { owner } = step.spec;
  if (isEpilogue(step)) {
    conclude(run, owner, "failed");
    return;
  }
  const around = bodyAround(run, step);
  around.settled++;
  step.counted = true;
  if (step.state === "cancelled" && step.reason !== "parent") around.halted++;
  const isLaidOut = owner === "" || run.steps.get(owner)?.state === "expanding";
  if (around.settled === around.members && isLaidOut) endBody(run, owner);
}

/** All that a body consists of is there: the lease ends. */
export function layOut(run: MachineRun, step: MachineStep): void {
  Object.assign(step, { state: "expanding", place: "nowhere" });
  if (step.body?.settled === step.body?.members) endBody(run, step.spec.address);
}

export function endBody(run: MachineRun, owner: StepAddress): void {
  const body = owner === "" ? run.body : (run.steps.get(owner)?.body as NonNullable<MachineStep["body"]>);
  const outcome = judgeBody({ failed: body.failed, stopped: body.halted });
  if (outcome === "failed" && body.epilogue === "due") {
    body.epilogue = "begun";
    const { step, indices } = locate(run.index, epilogueOf(owner));
    release(run, stepOf(run, specOf(run.index, step, indices)));
  } else {
    conclude(run, owner, outcome);
  }
}

function conclude(run: MachineRun, owner: StepAddress, outcome: "succeeded" | "failed" | "cancelled"): void {
  if (owner === "") run.state = outcome;
  else
    settleByItself(
      run,
      run.steps.get(owner) as MachineStep,
      outcome,
      outcome === "succeeded" ? undefined : "body",
    );
}

export function endCancelled(run: MachineRun): void {
  if (!run.cancelling || run.state !== "running") return;
  for (const step of run.steps.values()) if (step.place === "worker") return;
  run.state = "cancelled";
}
