import { JobbersError } from "../errors/errors.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { type Duration, durationMs } from "./policy.js";

/** What limits of both kinds take. */
export interface LimitOptions<in I> {
  /**
   * Makes it one limit for the whole cluster, shared by all tasks that give this name: 1 to 128 of `A-Za-z0-9._-`. Without a name
   * it is the task's own.
   */
  readonly name?: string | undefined;
  /** What tells apart those who share a limit: steps with equal keys do. Takes the parsed input. Without it, all share it. */
  key?(input: I): string;
}

/** At most `rate` starts per `per`, for each key. */
export interface RateLimit<in I> extends LimitOptions<I> {
  readonly rate: number;
  readonly per: Duration;
  /** How many may start at once after a pause; default 1, which spaces all starts evenly. */
  readonly burst?: number | undefined;
  /** How many starts one step counts for; default 1. What is beyond the burst counts as the burst. */
  readonly cost?: number | ((input: I) => number) | undefined;
}

/** At most `concurrency` attempts at once, for each key. */
export interface ConcurrencyLimit<in I> extends LimitOptions<I> {
  readonly concurrency: number;
}

/** A cap on how a task runs. */
export type Limit<I> = RateLimit<I> | ConcurrencyLimit<I>;

/**
 * A rate limit; the same as the literal `{ rate: limit, per, key }`, in which the key's parameter is typed without annotation.
 *
 * At most `limit` steps start in any stretch of time as long as `per`, by the store's clock; with a `burst`, that many more less one.
 *
 * @param options `limit`: starts per `per`, above 0; `per`: a duration above 0; `burst`: a whole number above 0, default 1; `cost`: how
 *   many starts a step counts for, a number above 0 or a function of the input; `name`: see {@link LimitOptions}
 * @throws JobbersError `definition-invalid`
 * @example
 * rate({ limit: 10, per: "1s", burst: 5, key: (i: { host: string }) => i.host });
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript resolves this call before it knows the task's schema
export function rate<I = any>(options: {
  limit: number;
  per: Duration;
  burst?: number | undefined;
  cost?: number | ((input: I) => number) | undefined;
  name?: string | undefined;
  key?: ((input: I) => string) | undefined;
}): RateLimit<I> {
  const { limit, ...rest } = options;
  return checkLimit(given({ rate: limit, ...rest }) as unknown as RateLimit<I>, "rate()");
}

/**
 * A concurrency limit; the same as the literal `{ concurrency: limit, key }`.
 *
 * @param options `limit`: attempts at once, a whole number above 0; `name`: see {@link LimitOptions}
 * @throws JobbersError `definition-invalid`
 * @example
 * concurrency({ limit: 2, key: (i: { host: string }) => i.host });
 */
// biome-ignore lint/suspicious/noExplicitAny: as for rate()
export function concurrency<I = any>(options: {
  limit: number;
  name?: string | undefined;
  key?: ((input: I) => string) | undefined;
}): ConcurrencyLimit<I> {
  const { limit, ...rest } = options;
  return checkLimit(
    given({ concurrency: limit, ...rest }) as unknown as ConcurrencyLimit<I>,
    "concurrency()",
  );
}

/** Without what was left undefined. */
function given(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Checks a limit and answers it; throws `definition-invalid`. */
export function checkLimit<L extends Limit<never>>(limit: L, what: string): L {
  const refuse = (message: string) => new JobbersError("definition-invalid", `${what} ${message}`);
  const { rate, per, burst, cost, concurrency, key, name, ...more } = (limit ?? {}) as unknown as Record<
    string,
    unknown
  >;
  const [stranger] = Object.keys(more);
  if ((rate === undefined) === (concurrency === undefined)) {
    throw refuse('is no limit; write { rate: 10, per: "1s", key } or { concurrency: 2, key }');
  }
  if (stranger !== undefined) {
    const known = "there are name and key, and rate, per, burst and cost, or concurrency";
    throw refuse(`has no option ${quoted(stranger)}; ${known}`);
  }
  if (name !== undefined) checkName(name, `${what}: name`);
  if (key !== undefined && typeof key !== "function")
    throw refuse(`has the key ${quoted(key)}; a key is a function from the input to text`);
  if (concurrency !== undefined) checkConcurrency({ concurrency, per, burst, cost }, refuse);
  else checkRate({ rate, per, burst, cost }, what, refuse);
  return limit;
}

type Refuse = (message: string) => JobbersError;

function checkConcurrency({ concurrency, ...others }: Record<string, unknown>, refuse: Refuse): void {
  const [stranger] = Object.entries(others).filter(([, value]) => value !== undefined);
  if (stranger) {
    const [option, value] = stranger;
    throw refuse(
      `has ${option} ${quoted(value)}, but is a concurrency limit, which counts those at once; only a rate has that`,
    );
  }
  if (!isCount(concurrency))
    throw refuse(`allows ${quoted(concurrency)} at once; a concurrency limit is a whole number above 0`);
}

function checkRate({ rate, per, burst, cost }: Record<string, unknown>, what: string, refuse: Refuse): void {
  if (!isAmount(rate)) throw refuse(`allows ${quoted(rate)} starts; a rate limit is a number above 0`);
  if (durationMs(per as Duration, `${what}: per`) <= 0)
    throw refuse(`counts per ${quoted(per)}; that has to be longer than 0`);
  if (burst !== undefined && !isCount(burst))
    throw refuse(`has the burst ${quoted(burst)}; a burst is a whole number above 0`);
  if (cost === undefined || typeof cost === "function") return;
  if (!isAmount(cost))
    throw refuse(`has the cost ${quoted(cost)}; a cost is a number above 0, or a function`);
  const most = (burst as number | undefined) ?? 1;
  if ((cost as number) > most)
    throw refuse(
      `has the cost ${quoted(cost)}, which is more than its burst of ${most}; give it a larger burst`,
    );
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
