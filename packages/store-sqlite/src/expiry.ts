import type { Step } from "./records.js";
import { settle } from "./settle.js";
import type { Unit } from "./unit.js";
import { errorKey, putValue } from "./values.js";

/**
 * Until when a step that becomes ready, or is taken at once, has to be taken for its first try; null: whenever. A step that comes back
 * unfinished keeps what it had.
 */
export function expiryOf({ now }: Unit, { spec, phase, tries, state, due }: Step): number | null {
  if (spec.startWithinMs === undefined || phase !== "run" || tries > 0) return null;
  const isKept = due !== null && (state === "running" || state === "ready");
  return isKept ? due : now + spec.startWithinMs;
}

/** Has a step that was just put into its line expire there, though nobody serves it. */
export function addExpiryTimer({ sql, turn }: Unit, { due, seq, run, address }: Step): void {
  if (due === null) return;
  const insert = "INSERT INTO timers (due, seq, run, address) VALUES (?, ?, ?, ?)";
  sql.run(insert, due, seq, run.seq, address);
  turn.effects.timers = true;
}

/** True for a ready step that has waited too long for its first try. */
export function hasExpired({ now }: Unit, { state, phase, due }: Step): boolean {
  return state === "ready" && phase === "run" && due !== null && due <= now;
}

/** Fails a step that was not started in time. */
export function expire(unit: Unit, step: Step): void {
  const message = `the step was not started within ${step.spec.startWithinMs} ms`;
  const error = JSON.stringify({ name: "StepExpired", message });
  putValue(unit.sql, step.run.seq, errorKey(step.address), error);
  settle(unit, step, "failed", "expired");
}
