import { type CancelResult, isEnded } from "@jobbers/core";
import type { Run } from "./records.js";
import { endRun } from "./run-end.js";
import type { Unit } from "./unit.js";

/** Marks a run as cancelling, and tells the sessions that hold steps of it; costs nothing for all other steps. */
export function cancel(unit: Unit, id: string): CancelResult {
  const run = unit.runById(id);
  if (!run) return { status: "unknown" };
  if (run.state === "cancelled") return { status: "cancelled" };
  if (isEnded(run.state)) return { status: "ended" };
  if (run.cancelling) return { status: "cancelling" };
  run.cancelling = 1;
  run.dirty = true;
  return { status: stopSteps(unit, run) };
}

/** Ends a run that has just been marked as cancelling, or tells those who hold steps of it. */
export function stopSteps(unit: Unit, run: Run): "cancelled" | "cancelling" {
  // One that is being prepared for a rerun ends when it is.
  if (run.ended !== null) return "cancelling";
  if (run.held === 0) {
    endRun(unit, run, "cancelled");
    return "cancelled";
  }
  const holders = unit.sql.tuples(
    "SELECT seq FROM sessions WHERE EXISTS (SELECT 1 FROM held WHERE session = sessions.seq AND run = ?)",
    run.seq,
  ) as [number][];
  for (const [session] of holders) {
    unit.sql.run(
      "INSERT INTO mail (session, run, told) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
      session,
      run.seq,
    );
    unit.turn.effects.mail.add(session);
  }
  return "cancelling";
}
