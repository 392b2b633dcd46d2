import { type EventRecord, isRunEvent, type RunEventRecord } from "@jobbers/core";
import type { GivenBackLine } from "./given-back.js";
import type { LimitedLoad, LimitedName } from "./limited-work.js";

/** What a run was submitted with. */
export interface LimitedRun extends LimitedLoad {
  readonly task: LimitedName;
}

/** What was submitted, by run. */
export type Loads = ReadonlyMap<string, LimitedRun>;

/** A lease that the store has accepted, from its start to its end by the store's clock. */
export interface AcceptedLease {
  readonly run: string;
  readonly fence: number;
  readonly startMs: number;
  /** Infinite where it has none. */
  readonly endMs: number;
  readonly how: "ended" | "lost" | "given-back" | "open";
}

/** What ends a lease, as the feed tells it. */
const ends: Partial<Record<RunEventRecord["type"], AcceptedLease["how"]>> = {
  "step.succeeded": "ended",
  "step.failed": "ended",
  "step.cancelled": "ended",
  "step.retry": "ended",
  "step.lost": "lost",
};

/**
 * Puts together which leases there were, from the feed and from what workers said before they gave something back. Each run has one
 * step, of which each start is one fence more. What was given back counts as ended from the moment on in which that was said: the
 * clocks of the store and of the workers are one, since all is on one machine.
 */
export function leasesOf(
  events: readonly EventRecord[],
  given: readonly GivenBackLine[],
  loads: Loads,
): readonly AcceptedLease[] {
  const back = new Map<string, number>();
  for (const { at, leases = [] } of given)
    for (const { run, fence } of leases) back.set(`${run} ${fence}`, at);
  const leases: AcceptedLease[] = [];
  const open = new Map<string, { readonly fence: number; readonly startMs: number }>();
  const fences = new Map<string, number>();
  const close = (run: string, untilMs: number, how: AcceptedLease["how"]) => {
    const lease = open.get(run);
    if (!lease) return;
    open.delete(run);
    const saidMs = back.get(`${run} ${lease.fence}`) ?? Number.POSITIVE_INFINITY;
    const isBack = saidMs <= untilMs;
    leases.push({
      ...{ run, ...lease, endMs: Math.max(lease.startMs, Math.min(untilMs, saidMs)) },
      how: isBack ? "given-back" : how,
    });
  };
  for (const event of events) {
    if (!isRunEvent(event) || !loads.has(event.run)) continue;
    const { type, run, atMs } = event;
    const end = ends[type];
    if (end) close(run, atMs, end);
    if (type !== "step.started") continue;
    // Where nobody said that it was given back it is taken for open until now, so that a lease in between is one too many.
    close(run, atMs, "open");
    const fence = (fences.get(run) ?? 0) + 1;
    fences.set(run, fence);
    open.set(run, { fence, startMs: atMs });
  }
  for (const run of [...open.keys()]) close(run, Number.POSITIVE_INFINITY, "open");
  return leases;
}
