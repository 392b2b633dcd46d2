import type { Cause } from "./cause.js";

/** What does not go on by itself first, then what has gone wrong, then what waits, then what runs; all else comes behind. */
const ranks: Readonly<Partial<Record<Cause["type"], number>>> = {
  "plan-missing": 0,
  "unserved-queue": 0,
  "paused-queue": 0,
  "unknown-task": 0,
  "no-worker": 0,
  quarantined: 0,
  "session-lost": 1,
  "retry-due": 2,
  limited: 3,
  "role-full": 3,
  "in-line": 3,
  running: 4,
};

/** Compares causes by what is most urgent in each of them. */
export function byUrgency(a: Cause, b: Cause): number {
  return rankOf(a) - rankOf(b);
}

function rankOf({ type, because = [] }: Cause): number {
  return Math.min(ranks[type] ?? 9, ...because.map(rankOf));
}
