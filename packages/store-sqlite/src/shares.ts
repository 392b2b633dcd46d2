import { packShares, type QueueShare, readShares, valueKey } from "@jobbers/core";
import type { Step } from "./records.js";
import type { Unit } from "./unit.js";
import { getValue, putValue } from "./values.js";

/** What a map with a spread counts by queue; it stands in one value, which a verb reads and writes once. */
export type Shares = Map<string, { -readonly [K in keyof QueueShare]: QueueShare[K] }>;

/** Counts an instance of a map in the queue that its spread chose. */
export function countInstance(unit: Unit, map: Step, queue: string): void {
  const shares = unit.shares(map) ?? new Map();
  const share = shares.get(queue);
  if (share) share.count++;
  else shares.set(queue, { queue, count: 1, waits: 0, waitedMs: 0, longestWaitMs: 0 });
  unit.putShares(map, shares);
}

/** Counts how long a settled step waited, where it stood in the queue that the spread of the map around it chose. */
export function countWait(unit: Unit, { run, spec, ready, started }: Step): void {
  if (spec.kind !== "task" || spec.queue !== spec.laid || ready === null || started === null) return;
  const map = unit.step(run, spec.owner);
  const shares = map && unit.shares(map);
  const share = shares?.get(spec.queue);
  if (!share || started < ready) return;
  share.waits++;
  share.waitedMs += started - ready;
  share.longestWaitMs = Math.max(share.longestWaitMs, started - ready);
  unit.putShares(map as Step, shares as Shares);
}

/** Reads what was counted for a map; nothing where it has no spread. */
export function loadShares({ sql }: Unit, { run, address }: Step): Shares | undefined {
  const text = getValue(sql, run, valueKey.spread(address));
  return text === null ? undefined : new Map(readShares(text).map((share) => [share.queue, share]));
}

export function writeShares({ sql }: Unit, { run, address }: Step, shares: Shares): void {
  putValue(sql, run.seq, valueKey.spread(address), packShares(shares.values()));
}
