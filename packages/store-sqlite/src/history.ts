import { type AttemptRecord, isSettled, type StepAddress, type StepReason } from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Run, Step } from "./records.js";
import type { Unit } from "./unit.js";

/** How many attempts of one step are kept. */
const KEPT = 100;

/** Keeps an attempt that did not succeed. Its fence and reason name it, so that repeating adds nothing. */
export function keepAttempt(unit: Unit, step: Step, reason: StepReason, error: string | null): void {
  const { run, address, fence, worker, started } = step;
  insertAttempt(unit, run, address, { fence, reason, worker, started: started ?? unit.now, error });
}

/** Keeps that an attempt had succeeded whose result is taken back. */
export function keepTakenBack(unit: Unit, step: Step): void {
  const { run, address, fence, worker, started, ended } = step;
  const at = { started: started ?? unit.now, ended: ended ?? unit.now };
  insertAttempt(unit, run, address, { fence, reason: "rerun", worker, ...at, error: null });
}

/** A failure that is told too late: it changes nothing but the history. */
export function keepLateAttempt(
  unit: Unit,
  step: Step,
  late: { readonly fence: number; readonly reason: StepReason; readonly error: string },
): void {
  const { run, address } = step;
  if (late.fence === step.fence) {
    // What has ended under this very fence has been told, or was cancelled.
    if (!isSettled(step.state)) keepAttempt(unit, step, late.reason, late.error);
    return;
  }
  const before = unit.sql.get<{ worker: string | null; started: number }>(
    "SELECT worker, started FROM attempts WHERE run = ? AND address = ? AND fence = ? LIMIT 1",
    run.seq,
    address,
    late.fence,
  );
  if (before) insertAttempt(unit, run, address, { ...late, ...before });
}

interface Attempt {
  readonly fence: number;
  readonly reason: StepReason;
  readonly worker: string | null;
  readonly started: number;
  /** Left out: now. */
  readonly ended?: number;
  readonly error: string | null;
}

function insertAttempt({ sql, now }: Unit, run: Run, address: StepAddress, attempt: Attempt): void {
  const { fence, reason, worker, started, ended = now, error } = attempt;
  const insert =
    "INSERT INTO attempts (run, address, fence, reason, worker, started, ended, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?) " +
    "ON CONFLICT DO NOTHING";
  sql.run(insert, run.seq, address, fence, reason, worker, started, ended, error);
  if (fence <= KEPT) return;
  sql.run(
    "DELETE FROM attempts WHERE run = ? AND address = ? AND fence <= ?",
    run.seq,
    address,
    fence - KEPT,
  );
}

/** The attempts of a step, oldest first. */
export function listAttempts(sql: Sql, run: number, address: StepAddress): AttemptRecord[] {
  const select =
    "SELECT fence, reason, worker, started, ended, error FROM attempts WHERE run = ? AND address = ? ORDER BY fence, ended LIMIT ?";
  return sql.all<Attempt & { ended: number }>(select, run, address, KEPT).map((row) => ({
    fence: row.fence,
    reason: row.reason,
    worker: row.worker ?? undefined,
    startedAtMs: row.started,
    endedAtMs: row.ended,
    error: row.error ?? undefined,
  }));
}
