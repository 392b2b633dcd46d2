import { isSettled, type Rerun, type StepAddress } from "@jobbers/core";
import { bodyAround, isEpilogue, type MachineRun, type MachineStep } from "./run.js";
import { endBody, stand } from "./settling.js";

/**
 * A retry by hand of an ended run: see `retry` of the port, whose sentences these are.
 *
 * @param only the one failure that runs again, where it is not all
 */
export function retryRun(run: MachineRun, only?: StepAddress): void {
  reopenRun(run, [...run.steps.values()].sort(byAddress), only);
}

/** A rerun by hand of an ended run, from a step that has succeeded. */
export function rerunRun(run: MachineRun, { step: root, around, after, inside, caught }: Rerun): void {
  const inner = new Set(inside);
  for (const [address, { spec, fence }] of run.steps) {
    if (!inner.has(spec.name)) continue;
    run.steps.delete(address);
    run.fences = Math.max(run.fences, fence + 1);
  }
  for (const address of caught) undecide(run, run.steps.get(address));
  const told = new Map(after.map(({ step, kept }) => [step, kept.filter((each) => hasTold(run, each))]));
  for (const [address, parents] of told) takeBack(run, run.steps.get(address), parents.length);
  takeBack(run, run.steps.get(root));
  for (const address of around) goOn(run, run.steps.get(address));
  const taken = { done: new Set([root, ...told.keys()]), around: new Set(around), caught: new Set(caught) };
  reopenRun(run, [...run.steps.values()].sort(byAddress), root, taken);
}

/** True where a parent that is kept has succeeded, and said so. */
function hasTold(run: MachineRun, { step, place }: Rerun["after"][number]["kept"][number]): boolean {
  const parent = run.steps.get(step);
  return parent?.state === "succeeded" && (parent.counted || parent.cursor > place);
}

/** A failure of which a catcher runs again. */
function undecide(run: MachineRun, step: MachineStep | undefined): void {
  if (step?.state !== "failed") return;
  if (step.definite) takeFromFailures(run, step);
  Object.assign(step, { definite: false, rescued: 0 });
}

/** Nothing is left of what came of a step; with a number of marks it waits, else it runs where its parents had all succeeded. */
function takeBack(run: MachineRun, step: MachineStep | undefined, marks?: number): void {
  if (!step) return;
  delete step.body;
  delete step.count;
  if (marks !== undefined)
    Object.assign(step.marks, { succeeded: marks, failed: 0, skipped: 0, cancelled: 0 });
  restart(run, step, marks !== undefined || forgetMarks(step) ? "blocked" : "ready");
}

function goOn(run: MachineRun, step: MachineStep | undefined): void {
  if (step?.state === "succeeded") restart(run, step, "expanding");
}

/** What a rerun has taken back, the dags around that go on, and the failures that are undecided. */
type TakenBack = Record<"done" | "around" | "caught", ReadonlySet<StepAddress>>;

const nothingTaken: TakenBack = { done: new Set(), around: new Set(), caught: new Set() };

function reopenRun(
  run: MachineRun,
  steps: readonly MachineStep[],
  only: StepAddress | undefined,
  { done, around, caught } = nothingTaken,
): void {
  const failing = new Set<StepAddress>();
  // What is kept is decided by how the run ended, not by what has been changed since.
  const kept = new Set(
    steps.filter((step) => {
      const { address } = step.spec;
      if (done.has(address) || around.has(address)) return false;
      return (step.state === "failed" && caught.has(address)) || isKept(step) || isLeftOut(step, only);
    }),
  );
  for (const step of steps) {
    step.place = "nowhere";
    if (done.has(step.spec.address)) continue;
    if (isOver(run, step, kept)) bury(run, step);
    else if (kept.has(step)) {
      if (step.state === "failed" && step.definite) failFor(run, step, failing);
      tellAgain(run, step);
    } else if (step.state === "blocked") forgetMarks(step);
    else if (step.state !== "expanding") restart(run, step);
  }
  Object.assign(run, { state: "running", cancelling: false, stopped: false });
  for (const step of steps) if (step.state === "ready" || owesAdvance(step)) stand(run, step);
  for (const step of steps) if (step.state === "expanding") endBodyIfDone(run, step);
  if (run.body.settled === run.body.members) endBody(run, "");
}

/** An onFailure body does not go on, nor does what lies in a body whose owner keeps its end. */
function isOver(run: MachineRun, step: MachineStep, kept: ReadonlySet<MachineStep>): boolean {
  if (isEpilogue(step)) return true;
  const owner = run.steps.get(step.spec.owner);
  return owner !== undefined && (kept.has(owner) || isOver(run, owner, kept));
}

/** A step that failed for good by itself, when the retry is about another. What ran because a parent failed is judged anew. */
function isLeftOut(step: MachineStep, only: StepAddress | undefined): boolean {
  const { failed, skipped, cancelled } = step.marks;
  const isPlain = failed + skipped + cancelled === 0;
  return (
    only !== undefined && step.definite && step.reason !== "body" && isPlain && step.spec.address !== only
  );
}

/** True for the failure of one step that a retry may be about. */
export function isRetryable(run: MachineRun, step: MachineStep): boolean {
  if (step.state !== "failed" || step.reason === "body" || isKept(step)) return false;
  const kept = new Set(
    [...run.steps.values()].filter((each) => isKept(each) || isLeftOut(each, step.spec.address)),
  );
  return !isOver(run, step, kept);
}

function isKept({ state, spec, rescued, marks }: MachineStep): boolean {
  if (state === "failed") return spec.catchers > 0 && rescued === spec.catchers;
  const { failed, skipped, cancelled } = marks;
  return state === "succeeded" || (state === "skipped" && failed + skipped + cancelled === 0);
}

const owesAdvance = (step: MachineStep): boolean =>
  isSettled(step.state) && !step.counted && !isEpilogue(step);

/** What failed first may run again: then its body fails of a failure that is left out. */
function failFor(run: MachineRun, step: MachineStep, failing: Set<StepAddress>): void {
  const { owner, address } = step.spec;
  if (isEpilogue(step) || failing.has(owner)) return;
  failing.add(owner);
  bodyAround(run, step).failure = { step: address, error: step.error ?? null };
}

/** Of the members of a body that goes on perhaps none runs again. */
function endBodyIfDone(run: MachineRun, { spec, body }: MachineStep): void {
  if (body && body.settled === body.members) endBody(run, spec.address);
}

const byAddress = (a: MachineStep, b: MachineStep): number => (a.spec.address < b.spec.address ? -1 : 1);

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

function restart(run: MachineRun, step: MachineStep, to?: "ready" | "blocked" | "expanding"): void {
  const hasBody = to === undefined ? step.reason === "body" : to === "expanding";
  if (step.counted) count(run, step, -1);
  if (step.definite) takeFromFailures(run, step);
  const state = to ?? (hasBody ? "expanding" : forgetMarks(step) ? "blocked" : "ready");
  const nothing = { tries: 0, lost: 0, cursor: 0, rescued: 0, definite: false };
  const { phase } = step.spec;
  Object.assign(step, nothing, { state, phase, fence: step.fence + 1, reason: undefined, error: undefined });
}

/** A definite failure counts no more. */
function takeFromFailures(run: MachineRun, step: MachineStep): void {
  const around = bodyAround(run, step);
  around.failed--;
  if (around.failed === 0) around.failure = undefined;
}

function count(run: MachineRun, step: MachineStep, n: 1 | -1): void {
  const around = bodyAround(run, step);
  around.settled += n;
  if (
    step.state === "cancelled" &&
    (step.reason === "stopped" || step.reason === "body" || step.reason === "obliterated")
  )
    around.halted += n;
  step.counted = n === 1;
}
