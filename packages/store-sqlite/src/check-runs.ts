import { isEnded, RUN_ADDRESS, type StepAddress } from "@jobbers/core";
import type { Inspection, Place } from "./check.js";
import { compareSums, sumsOf } from "./check-sums.js";
import { LETTERED } from "./dead-letters.js";
import { addTimer, DEADLINE, deadlineOf } from "./deadline.js";
import type { Run } from "./records.js";
import { isBeingRetried } from "./retry.js";
import { endRun, shelve } from "./run-end.js";
import { endBodyIfDone, isOpening } from "./settle.js";

/** Runs as wholes: what they count, where they are listed, and whether they can go on. */
export function checkRuns(inspection: Inspection, from: Place | undefined): Place | undefined {
  const { unit, limit } = inspection;
  const rows = unit.sql.tuples(
    "SELECT seq FROM runs WHERE seq > ? AND purged = 0 ORDER BY seq LIMIT ?",
    from?.[0] ?? 0,
    limit,
  );
  for (const [seq] of rows) {
    const run = unit.run(seq as number);
    if (run) inspection.examined += lookAt(inspection, run);
    if (inspection.examined >= limit) return [seq as number];
  }
  return rows.length < limit ? undefined : [rows.at(-1)?.[0] as number];
}

/** A record that cannot be read must not end the walk. */
function lookAt(inspection: Inspection, run: Run): number {
  try {
    return checkRun(inspection, run);
  } catch (error) {
    inspection.tell("record-broken", { run: run.id, detail: (error as Error).message });
    return 1;
  }
}

/** Answers how many records that took. */
function checkRun(inspection: Inspection, run: Run): number {
  const { unit } = inspection;
  // Half of what a rerun takes back may be gone, and nothing of it moves yet.
  if (run.ended !== null && run.state === "running" && isBeingRetried(unit, run)) return 1;
  const sums = sumsOf(unit, run);
  compareSums(inspection, run, sums);
  if (!unit.sql.tuple("SELECT 1 FROM plans WHERE hash = ?", run.plan))
    inspection.tell("plan-missing", { run: run.id, key: run.plan });
  if (run.ended === null && !run.cancelling) checkDeadline(inspection, run);
  if (run.ended !== null) checkShelf(inspection, run);
  else if (run.state === "scheduled") checkTimer(inspection, run);
  else checkGoesOn(inspection, run, sums.moving);
  return 1 + sums.steps;
}

/** Every ended run stands where retention finds it. */
function checkShelf({ unit, tell }: Inspection, run: Run): void {
  const { sql, ledger } = unit;
  const shelf = run.keep === null ? run.state : "kept";
  const at = (run.ended as number) + (run.keep ?? 0);
  if (!isEnded(run.state)) tell("record-broken", { run: run.id, detail: `ended, but ${run.state}` });
  else if (
    !sql.tuple(
      "SELECT 1 FROM shelves WHERE shelf IN (?, ?) AND at = ? AND run = ?",
      shelf,
      run.keep === null ? LETTERED : shelf,
      at,
      run.seq,
    )
  ) {
    if (!tell("run-unlisted", { run: run.id, key: shelf }, true)) return;
    shelve(unit, shelf, at, run.seq);
    if (shelf !== "kept") ledger.tally(shelf, 1);
  }
}

/** A scheduled run has a timer of its own, whose number no record knows. */
function checkTimer({ unit, tell }: Inspection, run: Run): void {
  const { sql } = unit;
  const due = sql.tuple("SELECT max(due) FROM steps WHERE run = ?", run.seq)?.[0] ?? null;
  const select = "SELECT 1 FROM timers WHERE due = ? AND run = ? AND address = ''";
  if (due === null || sql.tuple(select, due, run.seq)) return;
  const detail = "the run is scheduled, but has no timer";
  if (!tell("step-unplaced", { run: run.id, key: "timers", detail }, true)) return;
  sql.run(
    "INSERT INTO timers (due, seq, run, address) VALUES (?, ?, ?, '')",
    due,
    unit.turn.nextSeq(),
    run.seq,
  );
}

/** Whoever has a deadline has a timer for it. */
function checkDeadline({ unit, tell }: Inspection, run: Run): void {
  const ms = deadlineOf(unit, run);
  if (ms === null) return;
  const due = unit.sql.tuple("SELECT created FROM runs WHERE seq = ?", run.seq)?.[0] as number;
  const select = "SELECT 1 FROM timers WHERE due = ? AND run = ? AND address = ?";
  if (unit.sql.tuple(select, due + ms, run.seq, DEADLINE)) return;
  const detail = "the run has a deadline, but no timer";
  if (tell("step-unplaced", { run: run.id, key: "timers", detail }, true)) addTimer(unit, run, due + ms);
}

/** Bodies of which all members have settled end; a run that goes on has something that can move. */
function checkGoesOn({ unit, tell }: Inspection, run: Run, moving: number): void {
  if (run.cancelling) {
    if (run.held === 0 && tell("run-open", { run: run.id, detail: "it is being cancelled" }, true))
      endRun(unit, run, "cancelled");
    return;
  }
  let hasDone = false;
  const select = "SELECT address FROM bodies WHERE run = ? AND settled >= members AND epilogue <> 'running'";
  const inner = unit.sql.tuples(select, run.seq).map(([address]) => address as StepAddress);
  for (const owner of inner) {
    const step = unit.step(run, owner);
    if (step?.state !== "expanding" || unit.body(step).settled < unit.body(step).members) continue;
    hasDone = true;
    if (tell("step-open", { run: run.id, step: owner }, true)) endBodyIfDone(unit, run, owner);
  }
  const isDone = run.settled >= run.members && run.epilogue !== "running" && !isOpening(unit, run);
  if (run.ended === null && isDone) {
    hasDone = true;
    if (tell("run-open", { run: run.id }, true)) endBodyIfDone(unit, run, RUN_ADDRESS);
  }
  if (moving === 0 && !hasDone) tell("run-stuck", { run: run.id });
}
