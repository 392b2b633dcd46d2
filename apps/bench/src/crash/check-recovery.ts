import { type Evidence, executionsOf, type Violation } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { HandlerLine } from "./ledgers.js";
import { recoveryMs } from "./terms.js";

/** How long it took until the last step that was held by a killed worker was started again, by fault, in milliseconds. */
export interface RecoveryVerdict {
  readonly violations: readonly Violation[];
  readonly times: ReadonlyMap<Fault, number>;
  /** How many steps killed workers held. */
  readonly held: number;
}

/** Measures the time to recover from each kill, and from stops and blocks where others took the steps meanwhile. */
export function checkRecovery(evidence: Evidence): RecoveryVerdict {
  const violations: Violation[] = [];
  const times = new Map<Fault, number>();
  const executions = executionsOf(evidence.work);
  const all = [...executions.values()].flatMap((steps) => [...steps.values()]);
  let held = 0;
  for (const fault of evidence.faults) {
    const restMs = fault.pids.length === 0 ? resumedMs(evidence, fault) : undefined;
    if (restMs !== undefined) times.set(fault, restMs);
    if (fault.reach === "nobody" || fault.pids.length === 0) continue;
    for (const lines of all) {
      const mine = lines.find((line) => isHeld(line, lines, fault));
      if (!mine) continue;
      const next = lines.find(({ type, fence }) => type === "started" && fence > mine.fence);
      if (fault.kind === "kill") held++;
      if (!next) continue;
      const ms = next.at - fault.at;
      times.set(fault, Math.max(times.get(fault) ?? 0, ms));
      const most = allowedMs(evidence, fault, next.at);
      if (fault.kind !== "kill" || ms <= most) continue;
      violations.push({
        class: "recovery",
        kind: fault.kind,
        run: mine.run,
        what: `${mine.step} was started again ${ms} ms after its worker was killed; ${Math.round(most)} ms is the most`,
      });
    }
  }
  return { violations, times, held };
}

/** True for the start of an execution that was under way in a victim when the fault came. */
function isHeld(line: HandlerLine, lines: readonly HandlerLine[], { at, pids }: Fault): boolean {
  if (line.type !== "started" || !pids.includes(line.pid) || line.at > at) return false;
  // One that was given to another meanwhile is not its own any more.
  return !lines.some(
    ({ type, fence, at: moment }) =>
      moment <= at && (type === "started" ? fence > line.fence : fence === line.fence),
  );
}

/** After a fault of the submitter or the store: how long until the next acknowledgement, or the next finished handler. */
function resumedMs({ intake, work }: Evidence, { until, reach }: Fault): number | undefined {
  const resumed =
    reach === "nobody"
      ? intake.find(({ type, at }) => type === "acknowledged" && at >= until)
      : work.find(({ type, at }) => type === "finished" && at >= until);
  return resumed && resumed.at - until;
}

/**
 * Lease, two sweeps and half a second, once more for every other fault that may have hit who was to recover it; and time in
 * which nobody was there to recover anything does not count.
 */
function allowedMs(evidence: Evidence, fault: Fault, end: number): number {
  const others = evidence.faults.filter(
    (other) => other !== fault && other.reach !== "nobody" && other.at <= end && other.until >= fault.at,
  );
  return recoveryMs(evidence.terms) * (1 + others.length) + obstructedMs(evidence, fault.at, end);
}

const GRAIN_MS = 20;

/** For how long no worker could work, or the store was kept from all of them. */
function obstructedMs({ faults, lives }: Evidence, from: number, to: number): number {
  let ms = 0;
  for (let t = from; t < to; t += GRAIN_MS) {
    const open = faults.filter(({ at, until, reach }) => reach !== "nobody" && at <= t && until > t);
    const able = lives.filter(
      ({ pid, readyAt, endedAt = Number.POSITIVE_INFINITY }) =>
        readyAt <= t && t < endedAt && !open.some(({ pids }) => pids.includes(pid)),
    );
    if (able.length === 0 || open.some(({ reach }) => reach === "everybody")) ms += GRAIN_MS;
  }
  return ms;
}
