import type { TaskContext, TaskLog } from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import type { AttemptLogs } from "./attempt-logs.js";

/** Makes what a task's function learns about its attempt. */
export function createContext(attempt: Attempt, deps: unknown, logs: Pick<AttemptLogs, "of">): TaskContext {
  let log: TaskLog | undefined;
  const { lease, traceparent } = attempt.grant;
  const { run, address: step, fence } = lease;
  // An object of its own properties, so that `{ ...ctx, deps }` works in users' tests and wrappers.
  return {
    run,
    step,
    attempt: fence,
    tries: attempt.tries,
    idempotencyKey: `${run}:${step}`,
    deps,
    traceparent,
    heartbeat: (progress) => attempt.heartbeat(progress),
    get signal() {
      return attempt.signal;
    },
    // Made when it is first asked for: small handlers say nothing.
    get log() {
      log ??= logs.of(attempt);
      return log;
    },
  };
}
