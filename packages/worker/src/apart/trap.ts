import { JobbersError } from "@jobbers/core";

/** Set in threads and processes that run isolated handlers; every copy of the package agrees on it. */
const APART = Symbol.for("jobbers.apart");

/** Says that this thread or process runs the handlers of a module. */
export function markApart(module: string): void {
  Object.defineProperty(globalThis, APART, { value: module });
}

/**
 * Keeps a module of tasks that also starts a worker from doing so in each thread or process that loads it for its handlers.
 *
 * @throws JobbersError `module-unusable`
 */
export function refuseApart(): void {
  const module = (globalThis as Readonly<Record<symbol, unknown>>)[APART];
  if (module === undefined) return;
  throw new JobbersError(
    "module-unusable",
    `a worker is started by ${String(module)}, which was loaded to run an isolated handler; put what starts workers into a file of its own`,
  );
}
