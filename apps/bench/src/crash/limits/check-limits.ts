import type { AcceptedLease, Loads } from "./leases.js";
import { AT_ONCE, KEYS, PACE, ROLE, ROLE_AT_ONCE } from "./limited-work.js";

/** What leases say of the limits. */
export interface LimitsVerdict {
  readonly violations: readonly string[];
  /** The most at once: of any key, and of the role. */
  readonly mostOfKey: number;
  readonly mostOfRole: number;
  /** The most starts of one key within one `per`. */
  readonly mostStarts: number;
  /** How many leases with slots were lost with their worker. */
  readonly lost: number;
}

/** Never more at once than may be, and never more starts, by the leases that the store accepted. */
export function checkLimits(leases: readonly AcceptedLease[], loads: Loads): LimitsVerdict {
  const of = (task: string, key?: string) =>
    leases.filter(({ run }) => {
      const load = loads.get(run);
      return load?.task === task && (key === undefined || load.key === key);
    });
  const keys = KEYS.map((key) => overlapOf(of("slotted", key)));
  const role = overlapOf(leases);
  const starts = KEYS.map((key) =>
    of("paced", key)
      .map(({ startMs }) => startMs)
      .sort((a, b) => a - b),
  );
  const violations = [
    ...keys.flatMap(({ most, at }, i) =>
      most > AT_ONCE
        ? [`${most} of key ${KEYS[i]} at once, ${AT_ONCE} may be: ${told(of("slotted", KEYS[i]), at)}`]
        : [],
    ),
    ...(role.most > ROLE_AT_ONCE
      ? [`role ${ROLE} ran ${role.most} at once, ${ROLE_AT_ONCE} may be: ${told(leases, role.at)}`]
      : []),
    ...starts.flatMap((times, i) => tooFast(times).map((what) => `${what} of key ${KEYS[i]}`)),
  ];
  return {
    violations,
    mostOfKey: Math.max(...keys.map(({ most }) => most)),
    mostOfRole: role.most,
    mostStarts: Math.max(...starts.map((times) => mostWithin(times, PACE.perMs))),
    lost: of("slotted").filter(({ how }) => how === "lost").length,
  };
}

/** How many are open at a time at the most, and when first. What ends in a millisecond has ended before what begins in it. */
function overlapOf(leases: readonly AcceptedLease[]): { readonly most: number; readonly at: number } {
  const moves = leases
    .flatMap(({ startMs, endMs }) => [
      { at: startMs, by: 1 },
      { at: Math.max(endMs, startMs), by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let [n, most, at] = [0, 0, 0];
  for (const move of moves) {
    n += move.by;
    if (n > most) [most, at] = [n, move.at];
  }
  return { most, at };
}

function told(leases: readonly AcceptedLease[], atMs: number): string {
  return leases
    .filter(({ startMs, endMs }) => startMs <= atMs && endMs > atMs)
    .map(({ run, fence, startMs, endMs, how }) => `${run}#${fence} from ${startMs} to ${endMs} (${how})`)
    .join("; ");
}

/** Stretches of time with more starts than the rate and its burst let through. */
function tooFast(times: readonly number[]): string[] {
  const paceMs = PACE.perMs / PACE.rate;
  for (let from = 0; from < times.length; from++) {
    const start = times[from] as number;
    // What is further apart than that is told by others.
    for (let to = from; to < times.length && (times[to] as number) - start <= 3 * PACE.perMs; to++) {
      const lastedMs = (times[to] as number) - start;
      const most = PACE.burst + Math.floor(lastedMs / paceMs);
      const n = to - from + 1;
      if (n > most) return [`${n} starts within ${lastedMs} ms from ${start} on, ${most} is the most,`];
    }
  }
  return [];
}

function mostWithin(times: readonly number[], ms: number): number {
  let [from, most] = [0, 0];
  times.forEach((time, to) => {
    while ((times[from] as number) < time - ms) from++;
    most = Math.max(most, to - from + 1);
  });
  return most;
}
