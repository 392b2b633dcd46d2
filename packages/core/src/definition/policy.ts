import { type ErrorCode, JobbersError } from "../errors/errors.js";
import type { RetryPlan } from "../plan/plan.js";
import { quoted } from "../values/quoted.js";

/** A length of time: a number of milliseconds, or text like "250ms", "1s", "1.5m", "2h", "7d". */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

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
  /** How many tries a step has in all, the first included: 1 to 10,000; default 3. */
  readonly attempts?: number | undefined;
  /** Default "exponential": the delay doubles with each try. */
  readonly backoff?: "fixed" | "exponential" | undefined;
  /** The delay before the second try; default "1s". */
  readonly delay?: Duration | undefined;
  /** The longest delay; default "5m", or `delay` where that is longer. */
  readonly max?: Duration | undefined;
  /** Whether a delay is drawn evenly from zero to its computed value; default true. */
  readonly jitter?: boolean | undefined;
}

const policyKeys = ["attempts", "backoff", "delay", "max", "jitter"];
const MAX_ATTEMPTS = 10_000;

/**
 * Fills in the defaults of a retry policy and turns its durations into milliseconds.
 *
 * @param what names the policy in messages, such as `task "fetch": retry`
 * @throws JobbersError `definition-invalid`, naming the field
 * @example
 * retryPlan({ attempts: 5 }, "retry"); // { attempts: 5, backoff: "exponential", delayMs: 1000, maxMs: 300000, jitter: true }
 */
export function retryPlan(policy: RetryPolicy | undefined, what: string): RetryPlan {
  const refuse = (message: string) => new JobbersError("definition-invalid", `${what}${message}`);
  if (policy !== undefined && (typeof policy !== "object" || policy === null || Array.isArray(policy))) {
    throw refuse(` is ${quoted(policy)}; it takes an object like { attempts: 5, delay: "1s" }`);
  }
  const unknown = Object.keys(policy ?? {}).find((key) => !policyKeys.includes(key));
  if (unknown !== undefined)
    throw refuse(` has no option ${quoted(unknown)}; there are ${policyKeys.join(", ")}`);
  const { attempts = 3, backoff = "exponential", delay = "1s", max, jitter = true } = policy ?? {};
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > MAX_ATTEMPTS) {
    throw refuse(`.attempts is ${quoted(attempts)}; it takes a whole number from 1 to ${MAX_ATTEMPTS}`);
  }
  if (backoff !== "fixed" && backoff !== "exponential") {
    throw refuse(`.backoff is ${quoted(backoff)}; it takes "fixed" or "exponential"`);
  }
  if (typeof jitter !== "boolean") throw refuse(`.jitter is ${quoted(jitter)}; it takes true or false`);
  const delayMs = durationMs(delay, `${what}.delay`);
  const maxMs = max === undefined ? Math.max(5 * unitMs.m, delayMs) : durationMs(max, `${what}.max`);
  if (maxMs < delayMs) throw refuse(`.max is ${quoted(max)}, shorter than .delay, which is ${quoted(delay)}`);
  return { attempts, backoff, delayMs, maxMs, jitter };
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
  const delay = Math.min(plan.delayMs * 2 ** doublings, plan.maxMs);
  return plan.jitter ? Math.floor(random() * (delay + 1)) : delay;
}
