import { JobbersError } from "../errors/errors.js";
import { quoted } from "../values/quoted.js";
import { parseWith } from "../values/schema.js";
import type { TaskContext } from "./context.js";
import type { Carried, Parsed, Schema, TaskPolicy } from "./face.js";
import type { Limit } from "./limits.js";
import { type Duration, durationMs } from "./policy.js";
import { checkOptions } from "./step-options.js";

/** How many steps of a task go into one call of its handler. */
export interface BatchPolicy {
  /** The most inputs of one call, 2 to 1,000. */
  readonly size: number;
  /** How long the first of them waits for others, at most a minute; default "20ms". */
  readonly wait?: Duration | undefined;
}

/** A batch policy with its defaults filled in. */
export interface BatchPlan {
  readonly size: number;
  readonly waitMs: number;
}

/** One step of a batch: what its handler would have learned about it by itself. */
export type BatchItem = Pick<
  TaskContext,
  "run" | "step" | "attempt" | "tries" | "idempotencyKey" | "traceparent" | "signal" | "log"
>;

/**
 * What the handler of a batch task learns about its call; `items` has the steps, in the order of the inputs. What it tells `log` is of the
 * call, and goes to the worker's log; what is to be kept with a step is told to its item's `log`.
 */
export interface BatchContext<out D = unknown> extends Pick<TaskContext<D>, "deps" | "log" | "heartbeat"> {
  readonly items: readonly BatchItem[];
  /** Aborts when none of its steps is wanted any more; that of one item, when that one is not. */
  readonly signal: AbortSignal;
}

/** What `batchTask()` takes. */
export interface BatchTaskOptions<S, R, O> extends TaskPolicy {
  /**
   * Each call takes one slot, whatever its size. A batch begins when it is full, or its first step has waited; `timeout` and
   * `heartbeat` hold for each step from then on.
   */
  batch: BatchPolicy;
  /** Parses each input for each attempt. */
  input?: S | undefined;
  /** Parses each answer. */
  output?: Schema<R, O> | undefined;
  limits?: readonly Limit<Parsed<S>>[] | undefined;
  /** As in `task()`. */
  fair?: ((input: Parsed<S>) => string | number) | undefined;
  /**
   * Answers one for each input, in their order. An answer that is an Error fails its own step, which is tried again alone by the task's
   * retry policy ({@link RetryAfter} and {@link Terminal} count as ever); what is thrown fails all of them.
   */
  run(
    inputs: readonly Parsed<S>[],
    ctx: BatchContext,
  ): readonly ((R & Carried<O>) | Error)[] | Promise<readonly ((R & Carried<O>) | Error)[]>;
}

const MAX_SIZE = 1_000;
const MAX_WAIT_MS = 60_000;

/** Checks a batch policy; throws `definition-invalid`. */
export function batchPlan(policy: BatchPolicy, what: string): BatchPlan {
  if (policy === undefined)
    throw new JobbersError("definition-invalid", `${what} is missing; write { size: 100, wait: "20ms" }`);
  const { size, wait = "20ms" } = checkOptions(policy, ["size", "wait"], what);
  const invalid = (message: string) => new JobbersError("definition-invalid", `${what}.${message}`);
  if (!Number.isInteger(size) || size < 2 || size > MAX_SIZE)
    throw invalid(`size is ${quoted(size)}; it takes a whole number from 2 to ${MAX_SIZE}`);
  const waitMs = durationMs(wait, `${what}.wait`);
  if (waitMs > MAX_WAIT_MS) throw invalid(`wait is ${quoted(wait)}; it is at most a minute`);
  return { size, waitMs };
}

/** A batch task's handler, whatever its types. */
export type BatchHandler = (inputs: readonly unknown[], ctx: BatchContext) => unknown;

/**
 * Calls a batch task's handler with inputs that are parsed already, then its output schema with each answer.
 *
 * @throws whatever the handler throws; JobbersError `output-invalid` when it does not answer one for each input
 */
export async function runBatch(
  {
    name,
    run,
    output,
  }: { readonly name: string; readonly run: BatchHandler; readonly output: Schema | undefined },
  inputs: readonly unknown[],
  ctx: BatchContext,
): Promise<unknown[]> {
  const answers: unknown = await run(inputs, ctx);
  if (!Array.isArray(answers) || answers.length !== inputs.length) {
    const given = Array.isArray(answers) ? `a list of ${answers.length}` : quoted(answers);
    throw new JobbersError(
      "output-invalid",
      `batch task ${quoted(name)} answered ${given} for ${inputs.length} inputs; it has to answer one for each, in their order`,
    );
  }
  return Promise.all(
    answers.map((answer) => (answer instanceof Error ? answer : stored(name, output, answer))),
  );
}

async function stored(name: string, schema: Schema | undefined, answer: unknown): Promise<unknown> {
  if (schema === undefined) return answer === undefined ? null : answer;
  try {
    const output = await parseWith(schema, answer, `output of ${name}`, "output-invalid");
    return output === undefined ? null : output;
  } catch (refused) {
    return refused instanceof Error ? refused : new Error(String(refused));
  }
}

/** A batch of one. */
export function batchOfOne(ctx: TaskContext): BatchContext {
  const { deps, log, signal } = ctx;
  return { items: [ctx], deps, log, signal, heartbeat: (progress) => ctx.heartbeat(progress) };
}
