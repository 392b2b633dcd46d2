import { type ErrorCode, JobbersError } from "../errors/errors.js";
import type { StepAddress } from "../plan/address.js";
import type { StepReason } from "../store/states.js";
import { quoted } from "../values/quoted.js";

/** The attempt that a hook is told of. */
export interface HookedAttempt {
  /** The run's id, a ULID. */
  readonly run: string;
  /** The step's address in the run: `fetch`, or in a map `fetch[3]`. */
  readonly step: StepAddress;
  readonly task: string;
  readonly queue: string;
  /** The number of this attempt, as `ctx.attempt`. */
  readonly attempt: number;
  /** How many tries this step has used, this one included. */
  readonly tries: number;
}

/** An attempt whose handler has answered. */
export interface SucceededAttempt extends HookedAttempt {
  readonly outcome: "succeeded";
  /** What the step answers, after the task's output schema. */
  readonly output: unknown;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
}

/** An attempt that did not succeed. */
export interface FailedAttempt extends HookedAttempt {
  readonly outcome: "failed";
  /** What was thrown, as it was; `AttemptAborted` when the time was over. */
  readonly error: unknown;
  readonly reason: StepReason;
  /** How long until the next try, in milliseconds; undefined: there is none, the step has failed. */
  readonly retryInMs: number | undefined;
  readonly tookMs: number;
}

/** An attempt that was given up before it could end: the run was cancelled, the worker stops, or has lost the step. */
export interface ReleasedAttempt extends HookedAttempt {
  readonly outcome: "released";
  readonly tookMs: number;
}

/** An attempt that is over, one way or another. */
export type SettledAttempt = SucceededAttempt | FailedAttempt | ReleasedAttempt;

/**
 * What is told of attempts, of one task or of all that a worker runs: the place for an error tracker.
 *
 * Hooks run beside the step. They change nothing about its outcome, its report and its slot do not wait for them, and what they
 * throw, or reject with, is logged and counted (`hookFailures` of the worker's stats). A worker that stops waits for them within its
 * grace time. They are told when the worker reports, once an attempt; that a report came too late is not told.
 *
 * @example
 * const hooks: Hooks = { onError: ({ error, run, step }) => console.error(run, step, error) };
 */
export interface Hooks {
  /** The handler begins. */
  onStart?(attempt: HookedAttempt): unknown;
  /** It has answered. */
  onSuccess?(attempt: SucceededAttempt): unknown;
  /** The attempt failed, be it before its handler began; `retryInMs` says whether another follows. */
  onError?(attempt: FailedAttempt): unknown;
  /** After `onSuccess` or `onError`, and after an attempt that began and was given up: each `onStart` has its `onSettled`. */
  onSettled?(attempt: SettledAttempt): unknown;
}

const hookNames = ["onStart", "onSuccess", "onError", "onSettled"] as const satisfies (keyof Hooks)[];

/**
 * Checks that hooks are functions under known names, and answers them; none where there is none.
 *
 * @throws JobbersError `definition-invalid`, or the code given, naming the hook
 */
export function checkHooks(
  hooks: Hooks | undefined,
  what: string,
  code: ErrorCode = "definition-invalid",
): Hooks | undefined {
  if (hooks === undefined) return undefined;
  if (typeof hooks !== "object" || hooks === null || Array.isArray(hooks)) {
    throw new JobbersError(code, `${what} is ${quoted(hooks)}; it takes an object like { onError: report }`);
  }
  const stranger = Object.keys(hooks).find((key) => !(hookNames as readonly string[]).includes(key));
  if (stranger !== undefined) {
    throw new JobbersError(
      code,
      `${what} has no hook ${quoted(stranger)}; there are ${hookNames.join(", ")}`,
    );
  }
  const wrong = hookNames.find((name) => hooks[name] !== undefined && typeof hooks[name] !== "function");
  if (wrong !== undefined)
    throw new JobbersError(code, `${what}.${wrong} is ${quoted(hooks[wrong])}; it takes a function`);
  return hookNames.some((name) => hooks[name]) ? hooks : undefined;
}
