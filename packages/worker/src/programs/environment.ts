import type { CommandSpec, TaskContext } from "@jobbers/core";
import { TREE_MARK } from "../trees/tree.js";

/** The variables of an environment, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What a program finds in its environment: the worker's, but for what configures Jobbers (stores and tokens have passwords in them), which
 * attempt it is, and what the command sets.
 */
export function environmentOf(
  base: Environment,
  { env }: CommandSpec,
  { run, step, attempt, tries, idempotencyKey, traceparent }: TaskContext,
  mark: string,
): Record<string, string> {
  const inherited = Object.entries(base).flatMap(([name, value]) =>
    value === undefined || name.startsWith("JOBBERS_") ? [] : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(inherited),
    JOBBERS_RUN: run,
    JOBBERS_STEP: step,
    JOBBERS_ATTEMPT: String(attempt),
    JOBBERS_TRIES: String(tries),
    JOBBERS_IDEMPOTENCY_KEY: idempotencyKey,
    // The name that OpenTelemetry's SDKs read, and ours.
    ...(traceparent !== undefined && { TRACEPARENT: traceparent, JOBBERS_TRACEPARENT: traceparent }),
    ...env,
    [TREE_MARK]: mark,
  };
}
