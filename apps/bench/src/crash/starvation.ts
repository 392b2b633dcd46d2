import { type Evidence, LINGER_MS, type Violation } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { WorkLine } from "./ledgers.js";
import type { Terms } from "./terms.js";

/** Under which kind it is counted when a worker came into doubt about its lease although nobody had touched it. */
export const STARVED = "starved";

/**
 * Doubts that no fault explains: on a machine that is too busy, a renewal may come too late for a short lease. Such a worker gives
 * its steps up by itself, which costs executions like a fault, so each is counted as one; many are no accident.
 */
export function starvations(
  work: readonly WorkLine[],
  faults: readonly Fault[],
  { leaseMs }: Terms,
): Fault[] {
  return work.flatMap((line) => {
    if (line.type !== "session" || line.what !== "doubtful") return [];
    const { at: until, pid } = line;
    const at = until - leaseMs;
    const isExplained = faults.some(
      (fault) =>
        fault.reach !== "nobody" &&
        (fault.reach === "everybody" || fault.pids.includes(pid)) &&
        fault.at <= until &&
        fault.until >= until - LINGER_MS,
    );
    if (isExplained) return [];
    return [{ kind: STARVED, at, until, pids: [pid], reach: "victims" } as const];
  });
}

/** One now and then is the machine's fault, above all while processes start or wait for it; more are somebody's. */
export function starvationProblem(
  starved: readonly Fault[],
  { lives, lags }: Pick<Evidence, "lives" | "lags">,
  durationMs: number,
): Violation[] {
  const most = lives.length + lags.length + Math.floor(durationMs / 15_000);
  if (starved.length <= most) return [];
  const what = `workers doubted their leases ${starved.length} times without a fault; ${most} may be the machine's doing`;
  return [{ class: "other", what }];
}
