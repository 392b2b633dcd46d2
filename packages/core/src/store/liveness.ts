import type { DurationSummary } from "./durations.js";
import type { StepRecord, WorkerRecord } from "./records.js";

/**
 * How a running step is, from two signals: its worker's renewals and its own heartbeats.
 *
 *   no session, or one that has expired ──────────────▶ lost           others will get it
 *   its worker's main loop is late ───────────────────▶ blocked-loop   something there computes without a pause
 *   silent for longer than its task's `heartbeat` ────▶ frozen         it will be given up
 *   runs for longer than 19 of 20 successes lately ───▶ slow
 *   none of these ────────────────────────────────────▶ running
 */
export type Liveness = "running" | "slow" | "blocked-loop" | "frozen" | "lost";

/** What tells how a running step is. */
export interface LivenessFacts {
  readonly step: Pick<StepRecord, "state" | "phase" | "startedAtMs" | "progress">;
  /** The session that holds the step, as `listWorkers` has it; absent where it is not listed. */
  readonly worker: Pick<WorkerRecord, "expiresAtMs" | "lagMs" | "heardAtMs"> | undefined;
  /** What `readDurations` answers for its task. */
  readonly usual?: DurationSummary | undefined;
  /** How long its task may be silent, from its plan. */
  readonly heartbeatMs?: number | undefined;
}

/** A main loop that is later than this is blocked, in milliseconds. */
export const BLOCKED_LAG_MS = 1_000;

/** With fewer successes of a task than this nobody knows what is usual. */
export const USUAL_COUNT = 20;

/**
 * Decides how a running step is; `undefined` for one that does not run.
 *
 * @param nowMs by the store's clock: see `readTime`
 * @example
 * livenessOf({ step, worker: workers.find(({ session }) => session === step.session) }, await store.readTime());
 */
export function livenessOf(facts: LivenessFacts, nowMs: number): Liveness | undefined {
  const { step, worker, usual, heartbeatMs } = facts;
  if (step.state !== "running") return undefined;
  if (!worker || worker.expiresAtMs < nowMs) return "lost";
  if ((worker.lagMs ?? 0) > BLOCKED_LAG_MS) return "blocked-loop";
  if (step.phase !== "run" || step.startedAtMs === undefined) return "running";
  // Heartbeats come with the worker's bulletins: how long it was silent is known up to the last of these.
  const signMs = Math.max(step.progress?.heardAtMs ?? 0, step.startedAtMs);
  if (heartbeatMs !== undefined && (worker.heardAtMs ?? 0) - signMs > heartbeatMs) return "frozen";
  const isSlow = usual !== undefined && usual.count >= USUAL_COUNT && nowMs - step.startedAtMs > usual.p95Ms;
  return isSlow ? "slow" : "running";
}
