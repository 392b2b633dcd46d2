import type { TaskContext, TaskLog } from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import { logWith } from "./log.js";

/** Makes what a task's function learns about its attempt. */
export function createContext(attempt: Attempt, deps: unknown, workerLog: TaskLog): TaskContext {
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
    log: logWith(workerLog, lease),
  };
}
