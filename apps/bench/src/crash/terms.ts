/** The durations that everybody in a crash run goes by, in milliseconds: short, so that a minute holds many faults. */
export interface Terms {
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly maxBlockMs: number;
  readonly graceMs: number;
  /** Handlers at a time, in each worker. */
  readonly slots: number;
  /** The longest that a handler takes. */
  readonly longestMs: number;
}

/** Derives the others from the lease. */
export function termsOf(leaseMs: number, slots: number): Terms {
  return {
    leaseMs,
    slots,
    sweepMs: leaseMs / 4,
    maxBlockMs: leaseMs / 2,
    graceMs: 2 * leaseMs,
    longestMs: Math.round(0.45 * leaseMs),
  };
}

/** A sweep's pause is drawn from its length up to a fifth more, see `Actor.jittered` of the upkeep. */
const JITTER = 1.2;

/** How long a step may lie with a worker that is gone: its lease, the two sweeps that find it ended, and what a start takes. */
export function recoveryMs({ leaseMs, sweepMs }: Terms): number {
  return leaseMs + 2 * JITTER * sweepMs + 500;
}

/** How long a worker has to be away so that its lease has surely ended, also where it was renewed just before. */
export function pastLeaseMs(terms: Terms): number {
  return recoveryMs(terms) + terms.sweepMs;
}
