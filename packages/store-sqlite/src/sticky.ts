import type { Step } from "./records.js";
import type { KnownLine } from "./turn.js";
import type { Unit } from "./unit.js";

/**
 * Sticky steps. One that is let go by a task stands, for as long as it is sticky, in a line of the worker that ran the task, which only sessions of that
 * name pop. All entries of such a line wait equally long, so they are due in the order in which they stand: one timer, the line's own, is
 * enough, and moves what is due to the line of all, with its number.
 */

/** Notes which worker ran the task whose end lets a step go. */
export function stickTo(step: Step, parent: Step): void {
  if (step.spec.stickyMs === undefined) return;
  step.near = parent.ranBy;
  step.dirty = true;
}

/** The line of the worker that a step sticks to; undefined where it stands in that of all, because there is none, or none any more. */
export function nearLineOf(unit: Unit, { near, spec }: Step, priority: number): KnownLine | undefined {
  if (near === null || spec.stickyMs === undefined || !isOpen(unit, near)) return undefined;
  return unit.ledger.nearLine(spec.queue, priority, { worker: near, withinMs: spec.stickyMs });
}

function isOpen({ sql }: Unit, worker: string): boolean {
  return (
    sql.tuple("SELECT 1 FROM sessions WHERE worker = ? AND state = 'open' LIMIT 1", worker) !== undefined
  );
}

/** Moves what has waited long enough for its worker, or whose worker is gone; answers how many of at most so many. */
export function moveOn(unit: Unit, limit: number): number {
  const select =
    "SELECT queue, priority, needs, limits, worker, within FROM lines WHERE due <= ? ORDER BY due LIMIT ?";
  let moved = 0;
  for (const row of unit.sql.all<NearRow>(select, unit.now, limit)) {
    if (moved >= limit) break;
    moved += moveLine(unit, unit.ledger.lineOf(row), limit - moved);
  }
  return moved;
}

/** A row of a line, whosever it is. */
export interface NearRow extends Omit<KnownLine, "near"> {
  readonly worker: string;
  readonly within: number;
}

function moveLine(unit: Unit, line: KnownLine, limit: number): number {
  const { sql, ledger, now } = unit;
  const { worker = "", withinMs = 0 } = line.near ?? {};
  const isGone = !isOpen(unit, worker);
  const select = "SELECT seq, run, address FROM ready WHERE line = ? ORDER BY seq LIMIT ?";
  const page = sql.tuples(select, line.id, limit) as [number, number, string][];
  if (page.length === 0) sql.run("DELETE FROM lines WHERE id = ?", line.id);
  let last: number | undefined;
  let n = 0;
  for (const [seq, runSeq, address] of page) {
    const step = waiting(unit, seq, runSeq, address);
    const due = (step?.ready ?? 0) + withinMs;
    if (step && !isGone && due > now) {
      sql.run("UPDATE lines SET due = ? WHERE id = ?", due, line.id);
      break;
    }
    if (step) ledger.push(ledger.line(line.queue, line.priority, line.needs), seq, runSeq, address);
    last = seq;
    n++;
  }
  if (last !== undefined) ledger.shift(line, last, n);
  return Math.max(n, 1);
}

/** The step behind an entry, where it still waits there. */
function waiting(unit: Unit, seq: number, runSeq: number, address: string): Step | undefined {
  const run = unit.run(runSeq);
  const step = run?.ended === null ? unit.step(run, address) : undefined;
  return step?.seq === seq ? step : undefined;
}

/** What sticks to a worker of which no session is open any more is for all, at once as far as one call goes. */
export function letGo(unit: Unit, session: string, limit: number): void {
  const { sql, now, turn } = unit;
  const [worker] = sql.tuple("SELECT worker FROM sessions WHERE id = ?", session) as [string];
  if (isOpen(unit, worker)) return;
  const update = "UPDATE lines SET due = ? WHERE worker = ? AND due > ?";
  if (sql.run(update, now, worker, now) === 0) return;
  turn.effects.timers = true;
  moveOn(unit, limit);
}
