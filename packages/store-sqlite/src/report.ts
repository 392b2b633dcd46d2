import { type Lease, type Report, RUN_ADDRESS, type StepReason, valueKey } from "@jobbers/core";
import { keepAttempt, keepLateAttempt } from "./history.js";
import { endLease } from "./lease.js";
import { packUses } from "./limit-rules.js";
import { isControl, makeReady, requestAdvance, startEntries } from "./ready.js";
import type { Step } from "./records.js";
import { applyFollow, endBodyIfDone, isSettledState, settle } from "./settle.js";
import type { Unit } from "./unit.js";
import { errorKey, putOutput, putValue, replaceInput } from "./values.js";

type Verdict = "accepted" | "stale";
type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

/** Applies what a worker reports of one step, if the fence is still the newest. */
export function applyReport(unit: Unit, report: Report): Verdict {
  const step = stepBehind(unit, report.lease);
  if (!step) return "stale";
  const isCurrent = step.fence === report.lease.fence && step.run.ended === null;
  const verdict = isCurrent ? applyCurrent(unit, step, report) : "stale";
  if (verdict === "stale" && (report.type === "failed" || report.type === "retry")) {
    const { reason, error } = report;
    keepLateAttempt(unit, step, { fence: report.lease.fence, reason, error });
  }
  return verdict;
}

/** The step that a lease is on, whether or not it is still valid. */
export function stepBehind(unit: Unit, { run: id, address, fence }: Lease): Step | undefined {
  // The fence of what nobody has taken yet is nobody's lease.
  if (!(fence > 0)) return undefined;
  const run = unit.runById(id);
  return run && !run.purged ? unit.step(run, address) : undefined;
}

/** A success may come late, when nobody has taken the step since; everything else needs the lease. */
function applyCurrent(unit: Unit, step: Step, report: Report): Verdict {
  const isHeld = step.session !== null;
  if (report.type === "advanced")
    return isHeld && step.phase === "advance" ? advanced(unit, step, report) : "stale";
  if (isSettledState(step.state) || step.state === "expanding") return "stale";
  if (report.type === "succeeded") return succeeded(unit, step, report);
  if (!isHeld) return "stale";
  switch (report.type) {
    case "failed":
      return failed(unit, step, report);
    case "skipped":
      settle(unit, step, "skipped", "condition", report.follow);
      return "accepted";
    case "admitted":
      return admitted(unit, step, report);
    case "retry":
      return retry(unit, step, report);
    case "released":
      giveBack(unit, step, report.first && !isControl(step.phase));
      return "accepted";
    case "entered":
      return entered(unit, step, report);
  }
}

function succeeded(unit: Unit, step: Step, { output, follow }: ReportOf<"succeeded">): Verdict {
  putOutput(unit, step, output);
  settle(unit, step, "succeeded", null, follow);
  return "accepted";
}

function failed(unit: Unit, step: Step, { error, reason, follow }: ReportOf<"failed">): Verdict {
  fail(unit, step, { error, reason });
  const wasCancelled = reason === "cancelled" && step.run.cancelling;
  settle(unit, step, wasCancelled ? "cancelled" : "failed", reason, follow);
  return "accepted";
}

/** Keeps why a try failed. */
function fail(unit: Unit, step: Step, { error, reason }: { error: string; reason: StepReason }): void {
  keepAttempt(unit, step, reason, error);
  if (!isControl(step.phase)) step.tries++;
  putValue(unit.sql, step.run.seq, errorKey(step.address), error);
}

function admitted(unit: Unit, step: Step, { limits = [] }: ReportOf<"admitted">): Verdict {
  if (step.phase !== "admit") return "stale";
  endLease(unit, step);
  const { kind } = step.spec;
  if (kind === "task") step.limits = packUses(limits);
  step.phase = kind === "task" ? "run" : kind === "map" ? "expand" : "enter";
  backToLine(unit, step);
  return "accepted";
}

function retry(unit: Unit, step: Step, report: ReportOf<"retry">): Verdict {
  const { run } = step;
  fail(unit, step, report);
  endLease(unit, step);
  if (run.cancelling) settle(unit, step, "cancelled", "cancelled");
  else wait(unit, step, unit.now + Math.max(0, Math.ceil(report.delayMs)), report.reason);
  unit.event(run, "step.retry", step.address, { reason: report.reason, tries: step.tries });
  return "accepted";
}

/** Lets a step wait for an instant. */
export function wait(unit: Unit, step: Step, due: number, reason: StepReason | null): void {
  unit.move(step, "waiting", reason);
  step.due = due;
  step.seq = unit.turn.nextSeq();
  const insert = "INSERT INTO timers (due, seq, run, address) VALUES (?, ?, ?, ?)";
  unit.sql.run(insert, due, step.seq, step.run.seq, step.address);
}

/** Ends a step's lease and puts the step back, at no cost; before all others of its line, where that is said. */
export function giveBack(unit: Unit, step: Step, first = false): void {
  endLease(unit, step);
  backToLine(unit, step, first);
}

function backToLine(unit: Unit, step: Step, first = false): void {
  if (step.run.ended !== null) return;
  if (step.run.cancelling) {
    if (step.phase !== "advance") settle(unit, step, "cancelled", "cancelled");
  } else if (step.phase === "advance") requestAdvance(unit, step, step.cursor);
  else makeReady(unit, step, first);
}

function entered(
  unit: Unit,
  step: Step,
  { input, members, onFailure, entries }: ReportOf<"entered">,
): Verdict {
  if (step.phase !== "enter") return "stale";
  const { run, address } = step;
  const isOpening = address === RUN_ADDRESS;
  if (run.cancelling) {
    settle(unit, step, "cancelled", "cancelled");
    return "accepted";
  }
  if (isOpening) {
    // Once its first page is applied, the cursor stands beyond it.
    if (step.spec.needs !== "" && step.cursor === 0) replaceInput(unit, run, input);
  } else {
    const body = unit.body(step);
    if (body.members === 0) putValue(unit.sql, run.seq, valueKey.input(address), input);
    body.members = members;
    if (onFailure && body.epilogue === "none") body.epilogue = "waiting";
    body.dirty = true;
  }
  startEntries(unit, run, entries.items, undefined, step.near);
  if (entries.next !== undefined) {
    step.cursor = Math.max(step.cursor, entries.next);
    step.dirty = true;
    return "accepted";
  }
  if (isOpening) settle(unit, step, "succeeded", null);
  else beginBody(unit, step);
  return "accepted";
}

/** The lease of a map or an inlined dag ends: from now on its body goes on by itself. */
export function beginBody(unit: Unit, step: Step): void {
  endLease(unit, step);
  unit.move(step, "expanding");
  step.seq = 0;
  endBodyIfDone(unit, step.run, step.address);
}

function advanced(unit: Unit, step: Step, { follow }: ReportOf<"advanced">): Verdict {
  endLease(unit, step);
  // It is asked again after a retry by hand.
  if (step.run.cancelling) return "accepted";
  step.phase = phaseBefore(step);
  applyFollow(unit, step, follow);
  return "accepted";
}

/** A settled step that is advanced no more shows again what it was handed out for. */
export function phaseBefore({ spec }: Step): Step["phase"] {
  return spec.kind === "task" ? "run" : spec.kind === "map" ? "expand" : "enter";
}
