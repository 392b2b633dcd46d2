import { type Follow, nextTryMs, type Report, type TaskLog, type TaskStep } from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import type { HookedFailure } from "./hooks.js";
import { messageOf } from "./persistence.js";
import { errorText } from "./reporter.js";
import { Final, isHopeless, reasonOf } from "./task-io.js";

/** What an attempt's failure means: what is reported, and what its hooks are told. */
export interface Failure extends HookedFailure {
  readonly report: Report;
}

export interface FailureTerms {
  readonly random: () => number;
  readonly log: TaskLog;
  /** What comes after a failure for good. */
  readonly follow: () => Follow;
}

/** Whether a step is tried again, and when, as its policy and what was thrown say. */
export function failureOf(attempt: Attempt, step: TaskStep, thrown: unknown, terms: FailureTerms): Failure {
  const { lease } = attempt.grant;
  const final = thrown instanceof Final;
  const error = final ? thrown.thrown : thrown;
  const reason = final ? thrown.reason : (attempt.aborted?.reason ?? reasonOf(error));
  const retryInMs = final || isHopeless(error) ? undefined : retryMs(attempt, step, error, terms);
  const told = { lease, error: errorText(error), reason };
  const report: Report =
    retryInMs === undefined
      ? { type: "failed", ...told, follow: terms.follow() }
      : { type: "retry", ...told, delayMs: retryInMs };
  return { report, error, reason, retryInMs };
}

function retryMs(
  attempt: Attempt,
  { retry }: TaskStep,
  error: unknown,
  { random, log }: FailureTerms,
): number | undefined {
  const { run, address: step } = attempt.lease;
  return nextTryMs(error, {
    ...{ retry, random, on: attempt.task?.retryOn, tries: attempt.tries },
    onTrouble: (problem) =>
      log.error("retry.on did not say whether to try again, which counts as yes", {
        ...{ run, step, error: messageOf(problem) },
      }),
  });
}
