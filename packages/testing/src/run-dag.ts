import {
  type AnyWorkflow,
  type InputOf,
  type OutputOf,
  RunCancelled,
  type RunFailed,
  type StepError,
  type StepReason,
  type StepState,
} from "@jobbers/core";
import { createFakeClock, type FakeClock } from "./fake-clock.js";
import type { Handler } from "./handler-calls.js";
import { Interpreter } from "./interpreter.js";

/** How `runDag` runs. */
export interface RunDagOptions {
  /** Default: one of its own. It jumps to its next timer whenever nothing else can go on. */
  readonly clock?: FakeClock | undefined;
  /** What handlers get as `ctx.deps`. */
  readonly deps?: unknown;
  /** Handlers to run instead of the tasks' own, by task name. */
  readonly tasks?: Readonly<Record<string, Handler>> | undefined;
  /** Draws the jitter of retries; default: always the middle. */
  readonly random?: (() => number) | undefined;
}

/** What became of one step. */
export interface StepOutcome {
  readonly state: StepState;
  readonly reason?: StepReason | undefined;
  /** How many attempts were started. */
  readonly attempts: number;
  /** The queue in which it would stand, where a spread lays the map around it over queues. */
  readonly queue?: string | undefined;
  readonly output?: unknown;
  readonly error?: StepError | undefined;
}

/** What became of a run. */
export type DagOutcome<O> = {
  /** By address, in the order in which they were first reached; what was never reached is not there. */
  readonly steps: Readonly<Record<string, StepOutcome>>;
  /** How long the run took on the fake clock. */
  readonly tookMs: number;
} & (
  | { readonly state: "succeeded"; readonly output: O }
  | { readonly state: "failed" | "cancelled"; readonly error: RunFailed | RunCancelled }
);

/**
 * Runs a whole dag, or a task, in memory on a fake clock: real handlers, retries and timeouts without real waiting.
 *
 * @throws RunFailed when the run failed; JobbersError `input-invalid`
 * @example
 * const output = await runDag(crawl, { sitemap }, { deps: { db }, tasks: { "fetch-page": async ({ url }) => ({ url, html: "" }) } });
 */
export async function runDag<W extends AnyWorkflow>(
  workflow: W,
  input: InputOf<W>,
  options: RunDagOptions = {},
): Promise<OutputOf<W>> {
  const outcome = await settleDag(workflow, input, options);
  if (outcome.state === "succeeded") return outcome.output;
  throw outcome.error;
}

/**
 * Runs a dag as `runDag` does, and answers what became of each step instead of rejecting when the run failed.
 *
 * @throws JobbersError `input-invalid`
 * @example
 * const { state, steps } = await settleDag(crawl, { sitemap });
 * expect(steps["fetch[3]"]).toMatchObject({ state: "failed", attempts: 5 });
 */
export async function settleDag<W extends AnyWorkflow>(
  workflow: W,
  input: InputOf<W>,
  options: RunDagOptions = {},
): Promise<DagOutcome<OutputOf<W>>> {
  const { clock = createFakeClock(), deps, tasks = {}, random = () => 0.5 } = options;
  const interpreter = new Interpreter(workflow, { clock, deps, overrides: tasks, random });
  const startedMs = clock.now();
  await interpreter.run(input);
  const tookMs = clock.now() - startedMs;
  const steps = interpreter.outcomes();
  const { state } = interpreter;
  if (state === "succeeded")
    return { state, steps, tookMs, output: (await interpreter.output()) as OutputOf<W> };
  if (state === "cancelled") return { state, steps, tookMs, error: new RunCancelled(interpreter.id) };
  return { state: "failed", steps, tookMs, error: interpreter.failure() };
}
