import type { Lease } from "@jobbers/core";
import { isControl } from "./ready.js";
import type { Step } from "./records.js";
import type { KnownSession } from "./turn.js";
import type { Unit } from "./unit.js";

/** Gives a step to a session: its fence grows, and whoever had it before may report no more. */
export function lease(unit: Unit, step: Step, session: KnownSession): Lease {
  const { run } = step;
  step.fence++;
  step.session = session.seq;
  step.worker = session.worker;
  step.seq = 0;
  // A settled step that is advanced stays what it is.
  if (step.phase !== "advance") {
    unit.move(step, "running");
    step.started = unit.now;
  }
  if (!isControl(step.phase)) unit.ledger.running(step.spec.queue, 1);
  step.dirty = true;
  run.held++;
  run.started ??= unit.now;
  run.dirty = true;
  unit.sql.run(
    "INSERT INTO held (session, run, address, control) VALUES (?, ?, ?, ?)",
    session.seq,
    run.seq,
    step.address,
    Number(isControl(step.phase)),
  );
  return { run: run.id, address: step.address, fence: step.fence };
}

/** Ends a lease where there is one. To be called before the step's phase changes. */
export function endLease(unit: Unit, step: Step): void {
  const { run, session } = step;
  if (session === null) return;
  unit.sql.run(
    "DELETE FROM held WHERE session = ? AND run = ? AND address = ?",
    session,
    run.seq,
    step.address,
  );
  if (!isControl(step.phase)) {
    unit.ledger.running(step.spec.queue, -1);
    unit.limits.free(step);
    unit.roles.freed(session);
  }
  step.session = null;
  step.dirty = true;
  run.held--;
  run.dirty = true;
}
