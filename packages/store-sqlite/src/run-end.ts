import type { RunState } from "@jobbers/core";
import { unlistLettered } from "./dead-letters.js";
import { isExpired } from "./deadline.js";
import { endLease } from "./lease.js";
import type { Run } from "./records.js";
import type { Unit } from "./unit.js";

/** Ends a run, and puts it on the shelf from which retention takes it. */
export function endRun(
  unit: Unit,
  run: Run,
  outcome: Extract<RunState, "succeeded" | "failed" | "cancelled">,
): void {
  if (run.ended !== null) return;
  // Cancelled by its deadline.
  const state = outcome === "cancelled" && isExpired(run) ? "failed" : outcome;
  run.state = state;
  run.ended = unit.now;
  run.dirty = true;
  if (run.held > 0) endLeases(unit, run);
  if (run.cancelling) unit.sql.run("DELETE FROM mail WHERE run = ?", run.seq);
  const steps = run.tally.size > 0 ? { steps: Object.fromEntries(run.tally) } : {};
  unit.event(run, "run.ended", undefined, { state, ...steps });
  if (run.keep === 0) {
    // Nobody wants the result: gone at once for readers, deleted by the next purge.
    run.purged = 1;
    shelve(unit, "purging", unit.now, run.seq);
  } else if (run.keep !== null) shelve(unit, "kept", unit.now + run.keep, run.seq);
  else {
    shelve(unit, state, unit.now, run.seq);
    unit.ledger.tally(state, 1);
  }
}

/** Members of a map or dag that was given up may run on when all else has ended: nobody waits for them any more. */
function endLeases(unit: Unit, run: Run): void {
  const select =
    "SELECT held.address FROM sessions JOIN held ON held.session = sessions.seq WHERE state <> 'over' AND held.run = ?";
  for (const [address] of unit.sql.tuples(select, run.seq) as [string][]) {
    const step = unit.step(run, address);
    if (step) endLease(unit, step);
  }
}

/** Ends the cancelled runs among those that a verb has touched, where their last lease is gone. */
export function endCancelled(unit: Unit): void {
  for (const run of unit.touched()) if (run.cancelling && run.held === 0) endRun(unit, run, "cancelled");
}

/** Takes an ended run from its shelf again. */
export function unshelve(unit: Unit, { seq, state, keep, ended }: Run): void {
  const { sql, ledger } = unit;
  const at = (ended as number) + (keep ?? 0);
  const shelf = keep === null ? state : "kept";
  const gone = sql.run("DELETE FROM shelves WHERE shelf = ? AND at = ? AND run = ?", shelf, at, seq);
  if (keep !== null) return;
  if (gone > 0) ledger.tally(state, -gone);
  else unlistLettered(unit, seq, ended as number);
}

/** Puts a run on a shelf. */
export function shelve({ sql }: Unit, shelf: string, at: number, run: number): void {
  sql.run("INSERT INTO shelves (shelf, at, run) VALUES (?, ?, ?)", shelf, at, run);
}
