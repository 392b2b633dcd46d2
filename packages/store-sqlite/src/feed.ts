import type { EventType, JsonValue, StepAddress } from "@jobbers/core";
import type { Unit } from "./unit.js";

/** How many events are written between two looks at the feed's length. */
const TRIM_EVERY = 200;

/** The run of events that are of none; "step" is the worker or the queue then. */
export const NO_RUN = 0;

/** Appends to the feed, and now and then cuts its old end. */
export function insertEvent(
  { sql, now, turn }: Unit,
  run: number,
  type: EventType,
  step?: StepAddress | string,
  detail?: JsonValue,
): void {
  const text = detail === undefined ? null : JSON.stringify(detail);
  const insert = "INSERT INTO events (at, run, type, step, detail) VALUES (?, ?, ?, ?, ?)";
  sql.run(insert, now, run, type, step ?? null, text);
  turn.effects.events = true;
  if (++turn.memory.eventsSinceTrim < TRIM_EVERY) return;
  turn.memory.eventsSinceTrim = 0;
  // Two rows go for each that came, so that a feed whose length was lowered gets there too, without one long step.
  sql.run(
    "DELETE FROM events WHERE cursor <= min((SELECT max(cursor) FROM events) - ?, (SELECT min(cursor) FROM events) + ?)",
    turn.memory.eventsKept,
    2 * TRIM_EVERY,
  );
}
