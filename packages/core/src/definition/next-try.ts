import type { RetryPlan } from "../plan/plan.js";
import { quoted } from "../values/quoted.js";
import { type Duration, durationMs, MAX_DURATION_MS, type RetryOn, retryDelayMs } from "./policy.js";

/** What a handler throws to say about its next try is known by these, so that two copies of the package agree. */
const AFTER = Symbol.for("jobbers.retry-after");
const TERMINAL = Symbol.for("jobbers.terminal");

/**
 * Thrown by a handler: the next try comes after this delay, whatever the retry policy says; the policy's `attempts` still hold.
 *
 * @throws JobbersError `definition-invalid` when the delay is no duration, negative, or longer than ten years
 * @example
 * if (response.status === 429) throw new RetryAfter("90s");
 */
export class RetryAfter extends Error {
  override readonly name = "RetryAfter";
  /** How long to wait, in milliseconds. */
  readonly delayMs: number;
  readonly [AFTER]: number;

  constructor(delay: Duration, options: { readonly cause?: unknown } = {}) {
    const delayMs = durationMs(delay, "the delay of RetryAfter");
    super(`to be tried again after ${typeof delay === "number" ? `${delay} ms` : delay}`, options);
    this.delayMs = delayMs;
    this[AFTER] = delayMs;
  }
}

/**
 * Thrown by a handler: the step fails for good, whatever the retry policy says.
 *
 * @example
 * if (response.status === 410) throw new Terminal("the page is gone");
 */
export class Terminal extends Error {
  override readonly name = "Terminal";
  readonly [TERMINAL] = true;

  constructor(reason: string, options: { readonly cause?: unknown } = {}) {
    super(reason, options);
  }
}

/** Marks an error as one that another try would not change, as {@link Terminal} is; answers it. */
export function markTerminal<E extends Error>(error: E): E {
  return Object.assign(error, { [TERMINAL]: true });
}

/** Marks an error with the delay of the next try in milliseconds, as {@link RetryAfter} has it; answers the error. */
export function markRetryAfter<E extends Error>(error: E, delayMs: number): E {
  return Object.assign(error, { [AFTER]: delayMs });
}

/** What decides whether a step is tried again. */
export interface NextTryTerms {
  readonly retry: RetryPlan;
  readonly on: RetryOn | undefined;
  /** Tries spent, the failed one included. */
  readonly tries: number;
  readonly random: () => number;
  /** Is told what is wrong with `on`. */
  readonly onTrouble: (problem: unknown) => void;
}

/**
 * How long to wait before the next try of a step that failed, in milliseconds; undefined when there is none. Never throws.
 *
 * @example
 * nextTryMs(new RetryAfter("90s"), { retry, on: undefined, tries: 1, random: Math.random, onTrouble: () => {} }); // 90000
 */
export function nextTryMs(thrown: unknown, terms: NextTryTerms): number | undefined {
  const { retry, tries, random } = terms;
  if (tries >= retry.attempts || mark(thrown, TERMINAL) === true) return undefined;
  const after = mark(thrown, AFTER);
  if (typeof after === "number" && after >= 0 && after <= MAX_DURATION_MS) return Math.ceil(after);
  return isWorthIt(thrown, terms) ? retryDelayMs(retry, tries, random) : undefined;
}

function isWorthIt(thrown: unknown, { on, tries, onTrouble }: NextTryTerms): boolean {
  if (!on) return true;
  try {
    const answer: unknown = on(thrown, { tries });
    if (typeof answer === "boolean") return answer;
    // An async predicate's rejection belongs to nobody.
    if (answer instanceof Promise) answer.catch(() => {});
    onTrouble(new TypeError(`retry.on answered ${quoted(answer)}; it takes true or false, at once`));
  } catch (problem) {
    onTrouble(problem);
  }
  return true;
}

/** Reads a mark of anything at all; what throws on the way has none. */
function mark(thrown: unknown, key: symbol): unknown {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  try {
    return (thrown as Readonly<Record<symbol, unknown>>)[key];
  } catch {
    return undefined;
  }
}
