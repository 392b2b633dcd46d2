import type { WorkerRecord } from "./records.js";

/** A session whose worker has come back under its name while nobody heard of it. */
export interface SupersededSession {
  readonly session: string;
  /** Its expiry as it was read: one that was renewed since has another, and is left alone. */
  readonly expiresAtMs: number;
  /** From when on, by the store's time, it counts as lost, should it not be renewed before. */
  readonly lostAtMs: number;
}

/** Workers renew a third of the lease apart at most: who has not done so for half of it has missed one. */
const MISSED = 1 / 2;

/**
 * Finds the sessions that a newer one of the same name has taken the place of, as far as one can tell.
 *
 * A worker that lives renews; so one that was not heard of since another came up under its name, and misses a renewal, is taken for that
 * worker's past. Two workers that live may share a name: both renew, and neither is found here for longer than until its next renewal.
 *
 * @example
 * const unheard = supersededOf(await store.listWorkers()).filter(({ lostAtMs }) => lostAtMs <= nowMs);
 */
export function supersededOf(workers: readonly WorkerRecord[]): SupersededSession[] {
  const newest = new Map<string, number>();
  for (const { worker, openedAtMs } of workers)
    newest.set(worker, Math.max(openedAtMs, newest.get(worker) ?? openedAtMs));
  return workers.flatMap(({ session, worker, expiresAtMs, leaseMs }) => {
    const renewedAtMs = expiresAtMs - leaseMs;
    // Where sessions never expire this is no number, and nothing is newer.
    if (!((newest.get(worker) ?? 0) > renewedAtMs)) return [];
    return [{ session, expiresAtMs, lostAtMs: renewedAtMs + leaseMs * MISSED }];
  });
}
