import { MAX_LOST, type Reaped, type Sweep } from "@jobbers/core";
import { keepAttempt } from "./history.js";
import type { Step } from "./records.js";
import { giveBack } from "./report.js";
import { endSession, RETURN_LIMIT, returnHeld } from "./session.js";
import { settle } from "./settle.js";
import { letGo } from "./sticky.js";
import type { Unit } from "./unit.js";
import { errorKey, putValue } from "./values.js";

interface LostSession {
  readonly seq: number;
  readonly id: string;
  readonly state: "closing" | "lost";
}

/** Finds lost sessions, and takes their steps back. */
export function reapSessions(unit: Unit, { sweepMs, limit, gone = [], unheard = [] }: Sweep): Reaped {
  const { sql } = unit;
  const lost = new Set<string>();
  for (const id of gone) if (loseSession(unit, id)) lost.add(id);
  for (const { session, expiresAtMs } of unheard)
    if (loseSession(unit, session, expiresAtMs)) lost.add(session);
  if (!extendAfterPause(unit, sweepMs))
    for (const id of expiredTwice(unit, sweepMs)) if (loseSession(unit, id)) lost.add(id);

  const tally = { returned: 0, quarantined: 0 };
  let room = limit;
  const rows = sql.all<LostSession>(
    "SELECT seq, id, state FROM sessions WHERE state IN ('lost', 'closing') LIMIT 500",
  );
  let more = rows.length === 500;
  for (const { seq, state } of rows) {
    if (room <= 0) {
      more = true;
      break;
    }
    const rest = returnHeld(unit, seq, room, (_, step) => {
      room--;
      if (state === "closing") giveBack(unit, step);
      else takeBack(unit, step, tally);
    });
    if (rest > 0) more = true;
    else endSession(sql, seq);
  }
  return { sessions: [...lost], ...tally, more };
}

/** Ends a session, unless it was renewed beyond an instant. */
function loseSession(unit: Unit, id: string, expiresAtMs = Number.POSITIVE_INFINITY): boolean {
  const update =
    "UPDATE sessions SET state = 'lost', ended = ? WHERE id = ? AND state = 'open' AND expires <= ?";
  if (unit.sql.run(update, unit.now, id, expiresAtMs) === 0) return false;
  letGo(unit, id, RETURN_LIMIT);
  return true;
}

/** Sessions that this sweep and one at least `sweepMs` ago found expired; others that are expired become suspects. */
function expiredTwice({ sql, now }: Unit, sweepMs: number): string[] {
  const select = "SELECT id FROM sessions WHERE state = 'open' AND expires < ? AND suspect <= ?";
  const found = sql.tuples(select, now, now - sweepMs) as [string][];
  sql.run(
    "UPDATE sessions SET suspect = ? WHERE state = 'open' AND expires < ? AND suspect IS NULL",
    now,
    now,
  );
  return found.map(([id]) => id);
}

/** When nobody swept for more than two sweeps, nobody could renew either, as far as one can know: all get their time again. */
function extendAfterPause({ sql, now }: Unit, sweepMs: number): boolean {
  const row = sql.tuple("SELECT value FROM jobbers WHERE key = 'swept'") as [number] | undefined;
  sql.run(
    "INSERT INTO jobbers (key, value) VALUES ('swept', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    now,
  );
  if (!row || now - row[0] <= 2 * sweepMs) return false;
  sql.run("UPDATE sessions SET expires = max(expires, ? + lease), suspect = NULL WHERE state = 'open'", now);
  return true;
}

/** A step whose worker vanished goes back to its line, the third time to quarantine. */
function takeBack(unit: Unit, step: Step, tally: { returned: number; quarantined: number }): void {
  step.lost++;
  step.dirty = true;
  keepAttempt(unit, step, "lost", null);
  unit.event(step.run, "step.lost", step.address, { lost: step.lost });
  // A settled step has nothing left to fail: saying what follows goes on until somebody has done it.
  const isPoison =
    step.lost >= MAX_LOST && step.phase !== "advance" && !step.run.cancelling && step.run.ended === null;
  if (!isPoison) {
    tally.returned++;
    giveBack(unit, step);
    return;
  }
  tally.quarantined++;
  const message = `the worker of this step vanished ${step.lost} times while it ran`;
  putValue(
    unit.sql,
    step.run.seq,
    errorKey(step.address),
    JSON.stringify({ name: "StepQuarantined", message }),
  );
  unit.event(step.run, "step.quarantined", step.address, { lost: step.lost });
  settle(unit, step, "failed", "quarantined");
}
