import {
  type Follow,
  isSettled,
  type JsonValue,
  judge,
  judgeBody,
  locate,
  MAX_LOST,
  type Page,
  phaseOf,
  type StepAddress,
  type StepReason,
  type StepSpec,
  type StepState,
  specOf,
} from "@jobbers/core";
import {
  bodyAround,
  createBody,
  createStep,
  epilogueOf,
  isEpilogue,
  type MachineRun,
  type MachineStep,
} from "./run.js";

/** The transitions of a run, as `docs/internals.md` tells them, one function a sentence. */

type Settled = "succeeded" | "failed" | "skipped" | "cancelled";

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

interface Ending {
  readonly reason?: StepReason | undefined;
  readonly error?: JsonValue | undefined;
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
  if (run.cancelling) return layOut(run, step);
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
  if (run.cancelling) return layOut(run, step);
  step.body ??= createBody(size.count * size.membersEach, false);
  step.count = size.count;
  begin(run, entries);
  step.cursor = size.to;
  if (step.cursor === size.count) layOut(run, step);
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

// -------------------------------------------------------------------------------------------------------------- inside

function stepOf(run: MachineRun, spec: StepSpec): MachineStep {
  const known = run.steps.get(spec.address);
  if (known) return known;
  const step = createStep(spec);
  run.steps.set(spec.address, step);
  return step;
}

/** Steps without parents are released, each once: a page may come twice. */
function begin(run: MachineRun, entries: readonly StepSpec[]): void {
  if (run.cancelling) return;
  for (const spec of entries) if (!run.steps.has(spec.address)) release(run, stepOf(run, spec));
}

/** A step is judged to run: it is ready, unless the run is stopped. */
function release(run: MachineRun, step: MachineStep): void {
  if (run.stopped && step.spec.stoppable) return settleByItself(run, step, "cancelled", "stopped");
  step.state = "ready";
  stand(run, step);
}

function stand(run: MachineRun, step: MachineStep): void {
  step.place = "line";
  run.line.push(step);
}

function settle(run: MachineRun, step: MachineStep, outcome: Settled, { reason, error }: Ending): void {
  Object.assign(step, { state: outcome, place: "nowhere", phase: "advance", cursor: 0, reason, error });
  if (run.cancelling) return;
  if (outcome === "failed" && step.spec.catchers === 0) failForGood(run, step);
}

/** The store settles a step without a worker, which has to be asked what follows where there is anything. */
function settleByItself(run: MachineRun, step: MachineStep, outcome: Settled, reason?: StepReason): void {
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

function applyFollow(run: MachineRun, step: MachineStep, { successors, rescues = [] }: Follow): void {
  for (const address of rescues) rescue(run, step, run.steps.get(address) as MachineStep);
  for (const spec of successors.items) mark(run, step, stepOf(run, spec));
  if (successors.next === undefined) return finish(run, step);
  step.cursor = successors.next;
  stand(run, step);
}

/** A catcher has settled: all of them have to succeed. */
function rescue(run: MachineRun, catcher: MachineStep, parent: MachineStep): void {
  if (parent.state !== "failed" || parent.definite) return;
  if (catcher.state === "succeeded") parent.rescued++;
  else failForGood(run, parent);
}

/** One parent less to wait for; the last one has the step judged. */
function mark(run: MachineRun, parent: MachineStep, step: MachineStep): void {
  step.marks[parent.state as Settled]++;
  const { succeeded, failed, skipped, cancelled } = step.marks;
  if (succeeded + failed + skipped + cancelled < step.spec.parents) return;
  const judgement = judge(step.spec.trigger, step.marks);
  if (judgement === "run") release(run, step);
  else settleByItself(run, step, judgement === "skip" ? "skipped" : "cancelled", "parent");
}

/** The last page of its follow is applied: it counts for its owner. */
function finish(run: MachineRun, step: MachineStep): void {
  if (isEpilogue(step)) return conclude(run, step.spec.owner, "failed");
  const around = bodyAround(run, step);
  around.settled++;
  if (step.state === "cancelled" && step.reason !== "parent") around.halted++;
  const owner = run.steps.get(step.spec.owner);
  if (around.settled === around.members && (!owner || owner.state === "expanding"))
    endBody(run, step.spec.owner);
}

/** All that a body consists of is there, or nothing more of it is wanted: the lease ends. */
function layOut(run: MachineRun, step: MachineStep): void {
  Object.assign(step, { state: "expanding", place: "nowhere" });
  if (run.cancelling) endCancelled(run);
  else if (step.body?.settled === step.body?.members) endBody(run, step.spec.address);
}

function endBody(run: MachineRun, owner: StepAddress): void {
  const body = owner === "" ? run.body : (run.steps.get(owner)?.body as NonNullable<MachineStep["body"]>);
  const outcome = judgeBody({ failed: body.failed, stopped: body.halted });
  if (outcome !== "failed" || body.epilogue !== "due") return conclude(run, owner, outcome);
  body.epilogue = "begun";
  const { step, indices } = locate(run.index, epilogueOf(owner));
  release(run, stepOf(run, specOf(run.index, step, indices)));
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

function endCancelled(run: MachineRun): void {
  if (!run.cancelling || run.state !== "running") return;
  for (const step of run.steps.values()) if (step.place === "worker") return;
  run.state = "cancelled";
}

/** The state as a record shows it: what an ended run has not started reads as cancelled. */
export function readState(run: MachineRun, step: MachineStep | undefined): StepState | undefined {
  if (step && isSettled(step.state)) return step.state;
  return run.state === "running" ? step?.state : "cancelled";
}
