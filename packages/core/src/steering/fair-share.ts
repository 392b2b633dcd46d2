/**
 * Start-time fair queueing: who shares a stream of turns gets them by weight, whether they are given one at a time or by the hundred.
 *
 * Each turn of a share takes `cost`, which is in inverse proportion to its weight; the next turn goes to whose last one was over first. What is kept
 * of a share is how far it is `ahead`: how much later than the last turn of all began its own next one may begin. Who has nothing to do falls back
 * to 0, and no further: nothing is saved up.
 *
 * scripts/shared/levels.lua of the Redis store has the same law once more.
 */
export interface Share {
  readonly ahead: number;
  readonly cost: number;
}

/** How many of the next `n` turns each of those gets that have something to do; of equals the first goes first. */
export function turnsOf(shares: readonly Share[], n: number): number[] {
  const counts = shares.map(() => 0);
  const starts = shares.map(({ ahead }) => ahead);
  for (let turn = 0; turn < n && shares.length > 0; turn++) {
    let first = 0;
    for (let i = 1; i < starts.length; i++) if ((starts[i] as number) < (starts[first] as number)) first = i;
    counts[first] = (counts[first] as number) + 1;
    starts[first] = (starts[first] as number) + (shares[first] as Share).cost;
  }
  return counts;
}

/** How far all that share are ahead once each has had so many turns; those are to be told that have nothing to do, too. */
export function aheadAfter(shares: readonly Share[], taken: readonly number[]): number[] {
  const ends = shares.map(({ ahead, cost }, i) => ahead + (taken[i] ?? 0) * cost);
  const last = shares.map(({ cost }, i) => ((taken[i] ?? 0) > 0 ? (ends[i] as number) - cost : 0));
  const now = Math.max(0, ...last);
  return ends.map((end) => Math.max(0, end - now));
}

/** The highest priority; the lowest is 0. */
export const TOP_PRIORITY = 9;

/** What a turn of a priority takes in a weighted queue: half of what it takes in the next lower one. */
export function levelCost(priority: number): number {
  return 2 ** (TOP_PRIORITY - priority);
}
