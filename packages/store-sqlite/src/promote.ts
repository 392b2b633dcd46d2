import { stopSteps } from "./cancel.js";
import { DEADLINE, markExpired } from "./deadline.js";
import { nextDueMs } from "./exchange.js";
import { expire, hasExpired } from "./expiry.js";
import { isStopped, release } from "./ready.js";
import type { Run } from "./records.js";
import { resumeRetry } from "./retry.js";
import { endBodyIfDone, settle } from "./settle.js";
import { moveOn } from "./sticky.js";
import type { Unit } from "./unit.js";

/** How many entry steps of scheduled runs one call starts. */
const STEP_LIMIT = 1000;

/** About how many steps one call of a retry by hand handles. */
const RETRY_STEPS = 500;

/** Starts what is due, oldest first. */
export function promoteDue(unit: Unit, limit: number): { promoted: number; nextDueMs?: number | undefined } {
  const { sql, now } = unit;
  const select = "SELECT due, seq, run, address FROM timers WHERE due <= ? ORDER BY due, seq LIMIT ?";
  let promoted = 0;
  let steps = 0;
  for (const row of sql.tuples(select, now, limit)) {
    if (steps >= STEP_LIMIT) break;
    const [due, seq, runSeq, address] = row as [number, number, number, string];
    sql.run("DELETE FROM timers WHERE due = ? AND seq = ?", due, seq);
    const run = unit.run(runSeq);
    if (run && address === "" && resumeRetry(unit, run)) steps += RETRY_STEPS;
    if (!run || run.ended !== null) continue;
    if (address === "") steps += startRun(unit, run);
    else if (address === DEADLINE) {
      if (!expireRun(unit, run)) continue;
    } else if (!wake(unit, run, address, seq)) continue;
    promoted++;
    steps++;
  }
  promoted += unit.limits.ring(limit);
  promoted += moveOn(unit, limit);
  return { promoted, nextDueMs: nextDueMs(unit) };
}

/** Cancels a run whose deadline has passed. */
function expireRun(unit: Unit, run: Run): boolean {
  if (!markExpired(unit, run)) return false;
  stopSteps(unit, run);
  return true;
}

/** Makes a waiting step ready, or has a ready one expire, if it still waits for this very timer. */
function wake(unit: Unit, run: Run, address: string, seq: number): boolean {
  const step = unit.step(run, address);
  if (step?.seq !== seq) return false;
  if (step.state === "waiting") release(unit, step);
  else if (run.cancelling || !hasExpired(unit, step)) return false;
  else if (isStopped(step)) settle(unit, step, "cancelled", "stopped");
  else expire(unit, step);
  return true;
}

/** Starts a scheduled run; answers how many steps that made ready. */
function startRun(unit: Unit, run: Run): number {
  if (run.state !== "scheduled") return 0;
  run.state = "running";
  run.dirty = true;
  const rows = unit.sql.tuples("SELECT address FROM steps WHERE run = ?", run.seq) as [string][];
  for (const [address] of rows) {
    const step = unit.step(run, address);
    if (step) release(unit, step);
  }
  endBodyIfDone(unit, run, "");
  return rows.length;
}
