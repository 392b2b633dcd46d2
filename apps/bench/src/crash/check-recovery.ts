import { type Evidence, executionsOf, type Violation } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { HandlerLine } from "./ledgers.js";
import { recoveryMs } from "./terms.js";

/** How long it took to recover from each fault, in milliseconds, and where that was too long. */
export interface RecoveryVerdict {
  readonly violations: readonly Violation[];
  readonly times: ReadonlyMap<Fault, number>;
  /** How many steps killed workers held. */
  readonly held: number;
}

/**
 * Measures the time to recover: after a fault of workers, until the last step that they held was started by another; after one of
 * the store, until the next handler finished; after one of the submitter, until the next run was acknowledged.
 */
export function checkRecovery(evidence: Evidence): RecoveryVerdict {
  const violations: Violation[] = [];
  const times = new Map<Fault, number>();
  const steps = [...executionsOf(evidence.work).values()].flatMap((each) => [...each.values()]);
  let held = 0;
  const measure = (fault: Fault, { from, to, what, run }: Gap) => {
    const ms = to - from;
    times.set(fault, Math.max(times.get(fault) ?? 0, ms));
    const most = Math.round(allowedMs(evidence, fault, from, to));
    if (ms <= most) return;
    const told = `${what} ${ms} ms after a "${fault.kind}"; ${most} ms is the most`;
    violations.push({ class: "recovery", kind: fault.kind, run, what: told });
  };
  for (const fault of evidence.faults) {
    const gaps = fault.pids.length === 0 ? resumed(evidence, fault) : restarts(steps, fault);
    if (fault.kind === "kill") held += gaps.length;
    for (const gap of gaps) if (gap.to !== undefined) measure(fault, { ...gap, to: gap.to });
  }
  return { violations, times, held };
}

/** A time in which something did not go on. */
interface Gap {
  readonly from: number;
  readonly to: number;
  readonly what: string;
  readonly run?: string | undefined;
}

/** Undefined where it never went on, which other checks look after. */
type OpenGap = Omit<Gap, "to"> & { readonly to: number | undefined };

/** For each step that the victims held: until another had it, or until they went on with it themselves. */
function restarts(steps: readonly (readonly HandlerLine[])[], fault: Fault): OpenGap[] {
  const { at, until, reach, kind } = fault;
  if (reach === "nobody") return [];
  return steps.flatMap((lines) => {
    const mine = lines.find((line) => isHeld(line, lines, fault));
    if (!mine) return [];
    const next = lines.find(({ type, fence }) => type === "started" && fence > mine.fence);
    const what = `${mine.step} was started again`;
    if (kind === "kill") return [{ from: at, to: next?.at, what, run: mine.run }];
    // Who goes on by himself may keep his steps; then nothing says when others would have had them.
    return next && next.at <= until ? [{ from: at, to: next.at, what, run: mine.run }] : [];
  });
}

/** After a fault of the submitter or the store: until the next acknowledgement, or the next finished handler. */
function resumed({ intake, work }: Evidence, { until: from, reach }: Fault): OpenGap[] {
  const line =
    reach === "nobody"
      ? intake.find(({ type, at }) => type === "acknowledged" && at >= from)
      : work.find(({ type, at }) => type === "finished" && at >= from);
  const what = reach === "nobody" ? "a run was acknowledged" : "a handler finished";
  return [{ from, to: line?.at, what }];
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

/**
 * Lease, two sweeps and half a second, once more for every other fault that may have hit who was to recover it; and time in
 * which nobody was there to recover anything, or the machine was late, does not count.
 */
function allowedMs(evidence: Evidence, fault: Fault, from: number, to: number): number {
  const others = evidence.faults.filter(
    (other) => other !== fault && other.reach !== "nobody" && other.at <= to && other.until >= from,
  );
  const { terms, lags } = evidence;
  // A worker whose loop is blocked is alive for that long; only then it begins to lose its lease.
  const aliveMs = fault.kind === "block" ? terms.maxBlockMs : 0;
  const lateMs = lags
    .filter((lag) => lag.from < to && lag.to > from)
    .reduce((sum, lag) => sum + lag.to - lag.from, 0);
  const givenMs = recoveryMs(terms) * (1 + others.length) + aliveMs + unsweptMs(evidence, from, to);
  return givenMs + lateMs + obstructedMs(evidence, from, to);
}

/** When nobody has swept for more than two sweeps, all leases are extended, by right: nobody could know who had been able to renew. */
function unsweptMs({ work, terms }: Evidence, from: number, to: number): number {
  const sweeps = work.filter(
    ({ type, at }) => type === "swept" && at >= from - 2 * terms.leaseMs && at <= to,
  );
  const pauses = sweeps.flatMap(({ at }, i) => at - (sweeps[i - 1]?.at ?? at));
  const long = pauses.filter((ms) => ms > 2 * terms.sweepMs);
  return long.reduce((sum, ms) => sum + ms + terms.leaseMs, 0);
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
