/**
 * How long the successful attempts of a task take: a histogram of 64 buckets, each a factor of √2 wider than the one before, from
 * 1 ms to some 35 days. Counts are halved when they add up to too many, so that "usual" means lately: a bucket that is filled no more
 * fades away.
 *
 *   bucket     0      1          2        3         …   63
 *   up to ms   1     1.41        2       2.83       …   whatever is longer
 */

/** How many buckets there are. */
export const DURATION_BUCKETS = 64;

/** Where counts add up to more than this, all are halved. */
export const DURATIONS_KEPT = 2_048;

/** A count that was halved so often is forgotten. */
export const DURATIONS_LEAST = 0.05;

/** Counts by bucket; buckets that are left out have none. */
export type DurationCounts = Readonly<Record<number, number>>;

/** What attempts of one task took since it was told last. */
export interface TaskDurations {
  readonly task: string;
  readonly counts: DurationCounts;
}

/** How long successful attempts of a task took lately. */
export interface DurationSummary {
  /** How many of them this rests on; older ones count less. */
  readonly count: number;
  /** Half of them took no longer, in milliseconds. */
  readonly p50Ms: number;
  /** 19 of 20 took no longer. */
  readonly p95Ms: number;
}

/** The bucket of a duration. */
export function durationBucket(ms: number): number {
  return ms <= 1 ? 0 : Math.min(DURATION_BUCKETS - 1, Math.ceil(2 * Math.log2(ms)));
}

/**
 * Adds counts to those that are kept, and lets the older ones fade where that is too many.
 *
 * @example
 * addDurations({ 3: 10 }, { 3: 1, 4: 1 }); // { 3: 11, 4: 1 }
 */
export function addDurations(kept: DurationCounts, more: DurationCounts): DurationCounts {
  const counts: Record<number, number> = { ...kept };
  for (const [bucket, n] of Object.entries(more)) counts[Number(bucket)] = (counts[Number(bucket)] ?? 0) + n;
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  let share = 1;
  while (total * share > DURATIONS_KEPT) share /= 2;
  if (share === 1) return counts;
  const halved = Object.entries(counts).map(([bucket, n]) => [bucket, n * share] as const);
  return Object.fromEntries(halved.filter(([, n]) => n >= DURATIONS_LEAST));
}

/** Sums counts up; nothing where there are none. */
export function summarizeDurations(counts: DurationCounts): DurationSummary | undefined {
  const buckets = Object.entries(counts)
    .map(([bucket, n]) => [Number(bucket), n] as const)
    .filter(([, n]) => n > 0)
    .sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, n]) => sum + n, 0);
  if (total === 0) return undefined;
  return {
    count: Math.round(total),
    p50Ms: quantile(buckets, total / 2),
    p95Ms: quantile(buckets, total * 0.95),
  };
}

/** Within a bucket durations are taken as laid out evenly on its logarithmic scale. */
function quantile(buckets: readonly (readonly [number, number])[], rank: number): number {
  let below = 0;
  for (const [bucket, n] of buckets) {
    if (below + n >= rank) return bucket === 0 ? 1 : 2 ** ((bucket - 1 + (rank - below) / n) / 2);
    below += n;
  }
  return 2 ** ((buckets.at(-1)?.[0] ?? 0) / 2);
}

/** Counts as one text, `bucket:count` with blanks between. */
export function packDurations(counts: DurationCounts): string {
  return Object.entries(counts)
    .map(([bucket, n]) => `${bucket}:${Math.round(n * 1000) / 1000}`)
    .join(" ");
}

/** Reads what {@link packDurations} wrote. */
export function unpackDurations(text: string): DurationCounts {
  const pairs = text.split(" ").flatMap((each) => {
    const [bucket, n] = each.split(":").map(Number);
    return bucket !== undefined && n !== undefined && n > 0 ? [[bucket, n] as const] : [];
  });
  return Object.fromEntries(pairs);
}
