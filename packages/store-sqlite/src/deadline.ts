import { RUN_ADDRESS, valueKey } from "@jobbers/core";
import type { Run } from "./records.js";
import type { Unit } from "./unit.js";
import { dropValue, putValue } from "./values.js";

/** What stands for an address in the timer of a run's deadline; no step is called so. */
export const DEADLINE = "!";

/** What `cancelling` is of a run that its deadline cancels. */
const EXPIRED = 2;

/** Gives a run that was just submitted a deadline, so many milliseconds from now. */
export function setDeadline(unit: Unit, run: Run, deadlineMs: number): void {
  const ms = Math.max(0, Math.ceil(deadlineMs));
  unit.sql.run("UPDATE runs SET deadline = ? WHERE seq = ?", ms, run.seq);
  addTimer(unit, run, unit.now + ms);
}

export function addTimer({ sql, turn }: Unit, run: Run, due: number): void {
  const insert = "INSERT INTO timers (due, seq, run, address) VALUES (?, ?, ?, ?)";
  sql.run(insert, due, turn.nextSeq(), run.seq, DEADLINE);
  turn.effects.timers = true;
}

/** How long after its submission a run has to be over; null where it may take as long as it likes. */
export function deadlineOf({ sql }: Unit, run: Run): number | null {
  return sql.tuple("SELECT deadline FROM runs WHERE seq = ?", run.seq)?.[0] as number | null;
}

/** Marks a run whose deadline has passed; false where it has none any more, or is being cancelled anyway. */
export function markExpired(unit: Unit, run: Run): boolean {
  const ms = deadlineOf(unit, run);
  if (ms === null || run.cancelling) return false;
  run.cancelling = EXPIRED;
  run.dirty = true;
  const message = `the run was not over ${ms} ms after its submission, which was its deadline`;
  const failure = JSON.stringify({ step: RUN_ADDRESS, error: { name: "DeadlineExceeded", message } });
  putValue(unit.sql, run.seq, valueKey.failure(RUN_ADDRESS), failure);
  return true;
}

/** True for a run that ended, or is about to, because its deadline has passed. */
export function isExpired(run: Run): boolean {
  return run.cancelling === EXPIRED;
}

/** A run that is retried by hand may take as long as it likes. To be called before it is marked as cancelling no more. */
export function dropDeadline({ sql }: Unit, run: Run): void {
  sql.run("UPDATE runs SET deadline = NULL WHERE seq = ? AND deadline IS NOT NULL", run.seq);
  if (isExpired(run)) dropValue(sql, run.seq, valueKey.failure(RUN_ADDRESS));
}
