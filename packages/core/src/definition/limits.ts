import { JobbersError } from "../errors/errors.js";
import { quoted } from "../values/quoted.js";
import { type Duration, durationMs } from "./policy.js";

/** What tells apart those who share a limit: steps with equal keys do. Without a key, all steps of the task share it. */
export interface LimitKey<in I> {
  key?(input: I): string;
}

/** At most `rate` starts per `per`, for each key. */
export interface RateLimit<in I> extends LimitKey<I> {
  readonly rate: number;
  readonly per: Duration;
}

/** At most `concurrency` attempts at once, for each key. */
export interface ConcurrencyLimit<in I> extends LimitKey<I> {
  readonly concurrency: number;
}

/** A cap on how a task runs. This version declares and validates limits; it does not enforce them yet. */
export type Limit<I> = RateLimit<I> | ConcurrencyLimit<I>;

/**
 * A rate limit; the same as the literal `{ rate: limit, per, key }`, in which the key's parameter is typed without annotation.
 *
 * This version declares and validates limits; it does not enforce them yet.
 *
 * @param options `limit`: starts per `per`, above 0; `per`: a duration above 0
 * @throws JobbersError `definition-invalid`
 * @example
 * rate({ limit: 10, per: "1s", key: (i: { host: string }) => i.host });
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript resolves this call before it knows the task's schema
export function rate<I = any>(options: {
  limit: number;
  per: Duration;
  key?: (input: I) => string;
}): RateLimit<I> {
  const { limit, per, key } = options;
  return checkLimit({ rate: limit, per, ...(key && { key }) }, "rate()");
}

/**
 * A concurrency limit; the same as the literal `{ concurrency: limit, key }`.
 *
 * This version declares and validates limits; it does not enforce them yet.
 *
 * @param options `limit`: attempts at once, a whole number above 0
 * @throws JobbersError `definition-invalid`
 * @example
 * concurrency({ limit: 2, key: (i: { host: string }) => i.host });
 */
// biome-ignore lint/suspicious/noExplicitAny: as for rate()
export function concurrency<I = any>(options: {
  limit: number;
  key?: (input: I) => string;
}): ConcurrencyLimit<I> {
  const { limit, key } = options;
  return checkLimit({ concurrency: limit, ...(key && { key }) }, "concurrency()");
}

/** Checks a limit and answers it; throws `definition-invalid`. */
export function checkLimit<L extends Limit<never>>(limit: L, what: string): L {
  const refuse = (message: string) => new JobbersError("definition-invalid", `${what} ${message}`);
  const { rate, per, concurrency, key, ...more } = (limit ?? {}) as unknown as Record<string, unknown>;
  const [stranger] = Object.keys(more);
  if ((rate === undefined) === (concurrency === undefined)) {
    throw refuse('is no limit; write { rate: 10, per: "1s", key } or { concurrency: 2, key }');
  }
  if (stranger !== undefined) {
    throw refuse(`has no option ${quoted(stranger)}; there are rate, per and key, or concurrency and key`);
  }
  if (concurrency !== undefined && per !== undefined)
    throw refuse(`counts per ${quoted(per)}, but is a concurrency limit, which counts those at once`);
  if (concurrency !== undefined && !isCount(concurrency)) {
    throw refuse(`allows ${quoted(concurrency)} at once; a concurrency limit is a whole number above 0`);
  }
  if (rate !== undefined && !(typeof rate === "number" && Number.isFinite(rate) && rate > 0)) {
    throw refuse(`allows ${quoted(rate)} starts; a rate limit is a number above 0`);
  }
  if (rate !== undefined && durationMs(per as Duration, `${what}: per`) <= 0) {
    throw refuse(`counts per ${quoted(per)}; that has to be longer than 0`);
  }
  if (key !== undefined && typeof key !== "function") {
    throw refuse(`has the key ${quoted(key)}; a key is a function from the input to text`);
  }
  return limit;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
