import { type ErrorCode, JobbersError } from "../errors/errors.js";
import type { RetryPlan } from "../plan/plan.js";
import { quoted } from "../values/quoted.js";

/** A length of time: a number of milliseconds, or text like "250ms", "1s", "1.5m", "2h", "7d". */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** How long a handler's event loop may be busy before its silence stops proving anything, and so the shortest heartbeat, in milliseconds. */
export const MIN_HEARTBEAT_MS = 250;

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest duration that is taken: ten years of 365 days, in milliseconds. */
export const MAX_DURATION_MS = 3650 * unitMs.d;

/**
 * Turns a duration into whole milliseconds.
 *
 * @param what names the field in messages
 * @throws JobbersError `definition-invalid`, or the code given, when it is negative, no duration, or longer than ten years
 * @example
 * durationMs("1.5m", "timeout"); // 90000
 */
export function durationMs(
  value: number | string,
  what: string,
  code: ErrorCode = "definition-invalid",
): number {
  const ms = typeof value === "number" ? value : textMs(value);
  if (!Number.isFinite(ms)) {
    const form = 'a number of milliseconds, or text like "250ms", "1s", "1.5m", "2h", "7d"';
    throw new JobbersError(code, `${what} is ${quoted(value)}; a duration is ${form}`);
  }
  if (ms < 0) throw new JobbersError(code, `${what} is ${quoted(value)}; a duration cannot be negative`);
  if (ms > MAX_DURATION_MS) {
    throw new JobbersError(code, `${what} is ${quoted(value)}; a duration is at most 10 years (3650d)`);
  }
  // Adding 0 turns the minus zero of "-0s" into 0.
  return Math.round(ms) + 0;
}

function textMs(value: unknown): number {
  const match =
    typeof value === "string" && value.length < 40 && /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value);
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : Number.NaN;
}

/**
 * How often, and after what pauses, a failed step is tried again.
 *
 * Left out, a step has 3 tries in all, with exponential back-off from 1 s up to 5 min, and full jitter.
 */
export interface RetryPolicy {
  /** How many tries a step has in all, the first included: 1 to 10,000; default 3, or one more than a list of delays has. */
  readonly attempts?: number | undefined;
  /** Default "exponential": the delay doubles with each try. Not beside a list of delays. */
  readonly backoff?: "fixed" | "exponential" | undefined;
  /**
   * The delay before the second try; default "1s". A list says it for each further try, 1 to 100 of them, the last one repeating:
   * `["3s", "30s", "10m", "24h"]`.
   */
  readonly delay?: Duration | readonly Duration[] | undefined;
  /** The longest delay; default "5m", or `delay` where that is longer. Not beside a list of delays. */
  readonly max?: Duration | undefined;
  /** Whether a delay is drawn evenly from zero to its computed value; default true, and false for a list of delays. */
  readonly jitter?: boolean | undefined;
}

/** The retry policy of a task, which may judge errors as well; a call inside `dag()` changes all but that. */
export interface TaskRetryPolicy extends RetryPolicy {
  /**
   * Whether to try again after this error; false fails the step at once. Asked only where a try is left, also when the time of
   * one was over; not about {@link RetryAfter}, {@link Terminal}, an input that does not fit its schema or an output that is no
   * JSON. It is no part of the plan: the worker's own version of the task decides. What it throws is logged, and counts as true.
   *
   * @example
   * const retry = { attempts: 5, on: (error: unknown) => !(error instanceof RangeError) };
   */
  readonly on?: RetryOn | undefined;
}

/** Judges an error that a try has ended with; `tries` are those spent, this one included. */
export type RetryOn = (error: unknown, about: { readonly tries: number }) => boolean;

const planKeys = ["attempts", "backoff", "delay", "max", "jitter"];
const MAX_ATTEMPTS = 10_000;
const MAX_DELAYS = 100;

/**
 * Fills in the defaults of a retry policy and turns its durations into milliseconds.
 *
 * @param what names the policy in messages, such as `task "fetch": retry`
 * @throws JobbersError `definition-invalid`, naming the field
 * @example
 * retryPlan({ attempts: 5 }, "retry"); // { attempts: 5, backoff: "exponential", delayMs: 1000, maxMs: 300000, jitter: true }
 */
export function retryPlan(policy: RetryPolicy | undefined, what: string): RetryPlan {
  checkForm(policy, planKeys, what);
  const { delay, jitter } = policy ?? {};
  if (jitter !== undefined && typeof jitter !== "boolean")
    throw invalid(`${what}.jitter is ${quoted(jitter)}; it takes true or false`);
  return Array.isArray(delay)
    ? listPlan({ ...policy, delay }, what)
    : curvePlan({ ...policy, delay: delay as Duration | undefined }, what);
}

/**
 * The retry policy of a task: its plan, and its judge of errors, which no plan can hold.
 *
 * @throws JobbersError `definition-invalid`, naming the field
 */
export function taskRetry(
  policy: TaskRetryPolicy | undefined,
  what: string,
): { readonly plan: RetryPlan; readonly on: RetryOn | undefined } {
  checkForm(policy, [...planKeys, "on"], what);
  const { on, ...rest } = policy ?? {};
  if (on !== undefined && typeof on !== "function")
    throw invalid(`${what}.on is ${quoted(on)}; it takes a function from the error to true or false`);
  return { plan: retryPlan(policy === undefined ? undefined : rest, what), on };
}

function checkForm(policy: unknown, keys: readonly string[], what: string): void {
  if (policy === undefined) return;
  if (typeof policy !== "object" || policy === null || Array.isArray(policy)) {
    throw invalid(`${what} is ${quoted(policy)}; it takes an object like { attempts: 5, delay: "1s" }`);
  }
  const unknown = Object.keys(policy).find((key) => !keys.includes(key));
  if (unknown === undefined) return;
  const place = unknown === "on" ? "; it is a function, which no plan can hold: give it to task()" : "";
  throw invalid(`${what} has no option ${quoted(unknown)}${place || `; there are ${keys.join(", ")}`}`);
}

/** Delays that grow by rule. */
function curvePlan(policy: RetryPolicy & { readonly delay: Duration | undefined }, what: string): RetryPlan {
  const { attempts = 3, backoff = "exponential", delay = "1s", max, jitter = true } = policy;
  checkAttempts(attempts, what);
  if (backoff !== "fixed" && backoff !== "exponential") {
    throw invalid(`${what}.backoff is ${quoted(backoff)}; it takes "fixed" or "exponential"`);
  }
  const delayMs = durationMs(delay, `${what}.delay`);
  const maxMs = max === undefined ? Math.max(5 * unitMs.m, delayMs) : durationMs(max, `${what}.max`);
  if (maxMs < delayMs)
    throw invalid(`${what}.max is ${quoted(max)}, shorter than .delay, which is ${quoted(delay)}`);
  return { attempts, backoff, delayMs, maxMs, jitter };
}

/** Delays that stand one by one. */
function listPlan(policy: RetryPolicy & { readonly delay: readonly Duration[] }, what: string): RetryPlan {
  const { delay, jitter = false } = policy;
  if (delay.length === 0 || delay.length > MAX_DELAYS) {
    const most = `1 to ${MAX_DELAYS} delays; for a single try write attempts: 1`;
    throw invalid(`${what}.delay is a list of ${delay.length}; it takes ${most}`);
  }
  for (const key of ["backoff", "max"] as const) {
    if (policy[key] === undefined) continue;
    throw invalid(
      `${what}.${key} is ${quoted(policy[key])}, but .delay is a list, which says each delay itself`,
    );
  }
  const { attempts = delay.length + 1 } = policy;
  checkAttempts(attempts, what);
  const delaysMs = Array.from(delay, (each, at) => durationMs(each, `${what}.delay[${at}]`));
  // What stands beside the list is how a version that does not know lists yet reads it.
  const rest = { backoff: "fixed", delayMs: delaysMs[0] as number, maxMs: Math.max(...delaysMs) } as const;
  return { attempts, ...rest, jitter, delaysMs };
}

function checkAttempts(attempts: unknown, what: string): void {
  if (Number.isInteger(attempts) && (attempts as number) >= 1 && (attempts as number) <= MAX_ATTEMPTS) return;
  throw invalid(`${what}.attempts is ${quoted(attempts)}; it takes a whole number from 1 to ${MAX_ATTEMPTS}`);
}

function invalid(message: string): JobbersError {
  return new JobbersError("definition-invalid", message);
}

/**
 * How long to wait before the next try, in whole milliseconds.
 *
 * Jitter is "full jitter" of the AWS Architecture Blog's "Exponential Backoff And Jitter": drawn evenly from zero to the computed
 * delay, which spreads a crowd of failures better than small shakes around the delay do.
 *
 * @param tries how many tries are spent; the first failure makes it 1
 * @param random answers numbers from 0 up to, not including, 1
 * @example
 * retryDelayMs(plan, 3, Math.random); // with a delay of 1 s: 0 to 4000
 */
export function retryDelayMs(plan: RetryPlan, tries: number, random: () => number): number {
  // Beyond 2^60 every delay of a millisecond or more has long met its cap, and 0 × Infinity would be NaN.
  const doublings = plan.backoff === "fixed" ? 0 : Math.min(Math.max(tries - 1, 0), 60);
  const delay = plan.delaysMs
    ? listed(plan.delaysMs, tries)
    : Math.min(plan.delayMs * 2 ** doublings, plan.maxMs);
  return plan.jitter ? Math.floor(random() * (delay + 1)) : delay;
}

function listed(delaysMs: readonly number[], tries: number): number {
  return delaysMs[Math.min(Math.max(tries, 1), delaysMs.length) - 1] ?? 0;
}
