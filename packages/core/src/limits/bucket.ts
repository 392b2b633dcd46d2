import type { LimitSetting } from "../store/limits.js";

/**
 * Rates are counted by the generic cell rate algorithm. Of each key one instant is kept, the time at which all that has started would be
 * paid for at the even pace of the rate. A start moves it on by its cost, and is let through where that leaves it no further ahead than
 * the burst. So nothing is saved up beyond the burst, however long nobody came.
 *
 * All reckoning is in whole microseconds, rounded against whoever wants to start: a rate is never exceeded by a rounding.
 */
export type RateSetting = Extract<LimitSetting, { readonly rate: number }>;

/** What is kept of one key. */
export interface Bucket {
  /** In microseconds since 1970. */
  readonly paidUs: number;
  /** The pace of the setting that this was reckoned at, in microseconds a start; none where nothing has started. */
  readonly paceUs?: number | undefined;
  /** Where it was throttled: until when nothing starts, the part of the rate from then on, and when that is whole again. */
  readonly throttle?: Slowdown | undefined;
}

export interface Slowdown {
  readonly untilMs: number;
  readonly share: number;
  readonly wholeMs: number;
}

/** The least part of a rate that throttling leaves. */
const LEAST_SHARE = 1 / 16;

/** How much longer than the throttling itself the rate takes to be whole again. */
const RECOVERY = 10;

/** Which part of the rate is let through at an instant. */
export function shareAt(throttle: Slowdown | undefined, nowMs: number): number {
  if (!throttle || nowMs >= throttle.wholeMs) return 1;
  const { untilMs, share, wholeMs } = throttle;
  if (nowMs <= untilMs) return share;
  return share + ((1 - share) * (nowMs - untilMs)) / (wholeMs - untilMs);
}

/** The time between two starts, in microseconds. */
export function paceUs({ rate, perMs }: RateSetting, share = 1): number {
  return Math.max(1, Math.ceil((perMs * 1000) / (rate * share)));
}

/**
 * A bucket at the pace of the setting that is in force since an instant. What was owed then is owed in starts, which take another time from
 * then on: else who makes a rate slower would let those start at once that were owed, and who makes it faster would wait for the old one.
 */
export function repaced(bucket: Bucket, setting: RateSetting, sinceMs: number): Bucket {
  const pace = paceUs(setting);
  const sinceUs = sinceMs * 1000;
  const { paidUs, paceUs: known = pace } = bucket;
  if (known === pace || paidUs <= sinceUs) return bucket;
  return { ...bucket, paceUs: pace, paidUs: sinceUs + Math.ceil(((paidUs - sinceUs) * pace) / known) };
}

interface Terms {
  readonly pace: number;
  readonly burst: number;
  readonly from: number;
  readonly nowUs: number;
}

function termsOf(setting: RateSetting, bucket: Bucket | undefined, nowMs: number): Terms {
  const nowUs = nowMs * 1000;
  const pace = paceUs(setting, shareAt(bucket?.throttle, nowMs));
  // After an edit, what is owed at the old pace is at most what empties the burst at the new one.
  const from = Math.min(Math.max(bucket?.paidUs ?? 0, nowUs), nowUs + pace * setting.burst);
  return { pace, burst: setting.burst, from, nowUs };
}

/** How many starts of a cost are let through now. */
export function roomIn(
  setting: RateSetting,
  bucket: Bucket | undefined,
  cost: number,
  nowMs: number,
): number {
  if (bucket?.throttle && nowMs < bucket.throttle.untilMs) return 0;
  const { pace, burst, from, nowUs } = termsOf(setting, bucket, nowMs);
  return Math.floor((nowUs + pace * burst - from) / Math.ceil(pace * Math.min(cost, burst)));
}

/** When the next start of a cost is let through, in milliseconds; not before now. */
export function opensAtMs(
  setting: RateSetting,
  bucket: Bucket | undefined,
  cost: number,
  nowMs: number,
): number {
  const { pace, burst, from } = termsOf(setting, bucket, nowMs);
  const free = Math.ceil((from + Math.ceil(pace * Math.min(cost, burst)) - pace * burst) / 1000);
  return Math.max(nowMs, free, bucket?.throttle?.untilMs ?? 0);
}

/** The bucket after some starts of a cost. */
export function spend(
  setting: RateSetting,
  bucket: Bucket | undefined,
  cost: number,
  starts: number,
  nowMs: number,
): Bucket {
  const { pace, burst, from } = termsOf(setting, bucket, nowMs);
  const paidUs = from + Math.ceil(pace * Math.min(cost, burst)) * starts;
  return { ...bucket, paidUs, paceUs: paceUs(setting) };
}

/**
 * The bucket once a task was told to slow down. Those who are told so while nothing starts anyway add their time, but do not halve the
 * rate once more: they were under way already.
 */
export function throttled(bucket: Bucket | undefined, forMs: number, nowMs: number): Bucket {
  const { paidUs = 0, paceUs } = bucket ?? {};
  const known = bucket?.throttle;
  if (known && nowMs < known.untilMs) {
    const untilMs = Math.max(known.untilMs, nowMs + forMs);
    return {
      paidUs,
      paceUs,
      throttle: { ...known, untilMs, wholeMs: known.wholeMs + untilMs - known.untilMs },
    };
  }
  const untilMs = nowMs + forMs;
  const before = shareAt(known, nowMs);
  const share = Math.max(LEAST_SHARE, before / 2);
  // What is owed is paid at the slower pace.
  const owedUs = Math.max(0, paidUs - nowMs * 1000);
  const slowedUs = Math.ceil(paidUs + owedUs * (before / share - 1));
  return { paidUs: slowedUs, paceUs, throttle: { untilMs, share, wholeMs: untilMs + forMs * RECOVERY } };
}

/** Until when a bucket has to be kept: after that it is as if nobody had come. */
export function forgettableAtMs({ paidUs, throttle }: Bucket): number {
  return Math.max(Math.ceil(paidUs / 1000), throttle?.wholeMs ?? 0);
}
