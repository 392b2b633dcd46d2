import type { Inspection, Place } from "./check.js";
import { CONTROL } from "./ledger.js";
import { isControl, makeReady, needsOf, priorityOf, requestAdvance } from "./ready.js";
import type { Step } from "./records.js";
import { giveBack, wait } from "./report.js";
import { isBeingRetried } from "./retry.js";
import { isSettledState } from "./settle.js";
import type { Unit } from "./unit.js";

/** Each step that has not ended stands in exactly one place. */
export function checkSteps(inspection: Inspection, from: Place | undefined): Place | undefined {
  const { unit, limit } = inspection;
  const room = Math.max(1, limit - inspection.examined);
  const rows = unit.sql.tuples(
    "SELECT run, address FROM steps WHERE (run, address) > (?, ?) ORDER BY run, address LIMIT ?",
    from?.[0] ?? -1,
    from?.[1] ?? "",
    room,
  ) as [number, string][];
  for (const [seq, address] of rows) {
    const run = unit.run(seq);
    const step = run && !run.purged && readStep(inspection, run, address);
    if (step) checkStep(inspection, step);
  }
  inspection.examined += rows.length;
  return rows.length < room ? undefined : (rows.at(-1) as [number, string]);
}

/** A record that cannot be read must not end the walk. */
function readStep({ unit, tell }: Inspection, run: Step["run"], address: string): Step | undefined {
  try {
    return unit.step(run, address);
  } catch {
    tell("record-broken", { run: run.id, step: address });
    return undefined;
  }
}

function checkStep(inspection: Inspection, step: Step): void {
  const { unit, tell } = inspection;
  const { run, address, state, marks, spec } = step;
  const where = { run: run.id, step: address };
  if (spec.kind === "map") checkShares(inspection, step);
  if (step.session !== null) {
    checkLease(inspection, step);
    return;
  }
  // A run that is being cancelled leaves its steps where they are.
  if (run.ended !== null || run.cancelling) return;
  if (state === "blocked" && marks && marks.reduce((sum, n) => sum + n, 0) >= spec.parents)
    tell("step-unjudged", { ...where, detail: `marks ${marks.join(", ")}` });
  if (isPlaced(unit, step) || isBeingRetried(unit, run)) return;
  const detail = isSettledState(state) ? "it has settled" : undefined;
  if (tell("step-unplaced", { ...where, detail }, true)) putBack(unit, step);
}

/** A map with a spread that is laid out has counted each of its instances. */
function checkShares({ unit, tell }: Inspection, step: Step): void {
  if (step.state !== "expanding" && step.state !== "succeeded") return;
  const { count, members } = unit.body(step);
  const where = { run: step.run.id, step: step.address };
  try {
    const shares = members > 0 ? unit.shares(step) : undefined;
    const counted = [...(shares?.values() ?? [])].reduce((sum, share) => sum + share.count, 0);
    if (shares && counted !== count)
      tell("count-spread", { ...where, detail: `recorded ${counted} of ${count}` });
  } catch {
    tell("record-broken", { ...where, detail: "what it counts by queue" });
  }
}

/** The lease of a step that names a session. */
function checkLease({ unit, tell }: Inspection, step: Step): void {
  const { run, address, session } = step;
  const row = unit.sql.tuple("SELECT state, id FROM sessions WHERE seq = ?", session);
  const where = { run: run.id, step: address, detail: `session ${row?.[1] ?? session}` };
  if (!row || row[0] === "over") {
    if (tell("lease-dead", where, true)) giveBack(unit, step);
    return;
  }
  const held = "SELECT 1 FROM held WHERE session = ? AND run = ? AND address = ?";
  if (unit.sql.tuple(held, session, run.seq, address)) return;
  if (tell("lease-unlisted", where, true))
    unit.sql.run(
      "INSERT INTO held (session, run, address, control) VALUES (?, ?, ?, ?)",
      session,
      run.seq,
      address,
      Number(isControl(step.phase)),
    );
}

function isPlaced(unit: Unit, step: Step): boolean {
  if (isSettledState(step.state)) return step.phase !== "advance" || hasEntry(unit, step);
  switch (step.state) {
    case "ready":
      return hasEntry(unit, step);
    case "waiting":
      return step.run.state === "scheduled" || hasTimer(unit, step);
    case "running":
      return false;
    default:
      return true;
  }
}

/** In the line of its queue and priority, or in that of those who serve it. */
function hasEntry({ sql }: Unit, step: Step): boolean {
  const select =
    "SELECT 1 FROM lines JOIN ready ON ready.line = lines.id AND ready.seq = ? AND ready.run = ? AND ready.address = ? " +
    "WHERE queue = ? AND priority = ? AND needs IN ('', ?)";
  const queue = isControl(step.phase) ? CONTROL : step.spec.queue;
  const { seq, run, address } = step;
  return sql.tuple(select, seq, run.seq, address, queue, priorityOf(step), needsOf(step)) !== undefined;
}

function hasTimer({ sql }: Unit, { due, seq, run, address }: Step): boolean {
  const select = "SELECT 1 FROM timers WHERE due = ? AND seq = ? AND run = ? AND address = ?";
  return sql.tuple(select, due, seq, run.seq, address) !== undefined;
}

/** Puts back what stands nowhere, at no cost. */
function putBack(unit: Unit, step: Step): void {
  if (isSettledState(step.state)) requestAdvance(unit, step, step.cursor);
  else if (step.state === "waiting" && step.due !== null) wait(unit, step, step.due, step.reason);
  else makeReady(unit, step);
}
