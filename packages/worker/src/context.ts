import {
  type Duration,
  durationMs,
  JobbersError,
  type TaskContext,
  type TaskLog,
  type Throttling,
} from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import type { AttemptLogs } from "./attempt-logs.js";

/** Makes what a task's function learns about its attempt. */
export function createContext(
  attempt: Attempt,
  deps: unknown,
  logs: Pick<AttemptLogs, "of">,
  throttle: Throttle,
): TaskContext {
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
    throttled: (duration, limit) => throttled(attempt, throttle, { duration, limit }, logs.of(attempt)),
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

/** Tells the store to slow down; answers the limits that it concerns. */
export type Throttle = (throttling: Throttling) => Promise<readonly string[]>;

/** The longest that a task may ask for, in milliseconds: a day. */
const LONGEST_MS = 24 * 3_600_000;

/** Tells the store, and says so where nothing came of it. */
export async function throttled(
  { lease }: Attempt,
  throttle: Throttle,
  { duration, limit }: { readonly duration: Duration; readonly limit: string | undefined },
  log: TaskLog,
): Promise<void> {
  const forMs = durationMs(duration, "ctx.throttled()");
  if (forMs > LONGEST_MS)
    throw new JobbersError(
      "definition-invalid",
      `ctx.throttled() is asked for ${duration}; a day is the most`,
    );
  const names = await throttle({ lease, forMs, ...(limit !== undefined && { limits: [limit] }) });
  if (names.length > 0) return;
  const what = limit === undefined ? "it stands under no limit" : `it does not stand under "${limit}"`;
  log.warn(`a step asks to be throttled, but ${what}`, { run: lease.run, step: lease.address });
}
