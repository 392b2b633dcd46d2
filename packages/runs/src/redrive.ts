import {
  type AnyTask,
  checkJson,
  type DeadLetterFilter,
  type DeadLetterRef,
  encodeJson,
  JobbersError,
  type JsonValue,
  locate,
  parseWith,
  quoted,
  type RetryOptions,
  type RetryResult,
  type Store,
  valueKey,
} from "@jobbers/core";
import { createInputCheck, type Refused } from "./input-check.js";
import type { Plans } from "./plans.js";
import { withinLimit } from "./submission.js";

/** What a redrive needs. */
export interface RedriveDeps {
  readonly store: Pick<Store, "retry" | "getRun" | "findRegistration" | "large">;
  readonly plans: Plans;
}

/** What a redrive may change. */
export interface RedriveOptions {
  /** Another input for the step, in place of what its wiring says: for this attempt and all later ones. */
  readonly input?: unknown;
  /** The step's task, where its code is at hand: then its schema checks the input, and not only what was registered. */
  readonly task?: AnyTask | undefined;
}

/** The input was refused by the JSON Schema that the task's worker has registered. */
export class InputRefused extends JobbersError {
  constructor(
    message: string,
    readonly errors: readonly [Refused, ...Refused[]],
  ) {
    super("input-invalid", message, { detail: { errors: errors.map((each) => ({ ...each })) } });
  }
}

/** What came of a redrive or a retry; refusals are thrown. */
export type Restarted = "retried" | "running" | "succeeded";

/**
 * Has one step that failed run again, and what depends on it.
 *
 * @throws JobbersError `run-unknown`, `key-taken`, `step-unknown`, `step-not-retryable`, `input-invalid`, `not-json`, `value-too-large`
 */
export async function redriveStep(
  deps: RedriveDeps,
  { run, step }: DeadLetterRef,
  options: RedriveOptions = {},
): Promise<Restarted> {
  const { input } = options;
  const text = input === undefined ? undefined : await checkInput(deps, { run, step }, input, options.task);
  return restart(deps.store, run, { only: { step }, input: text });
}

/**
 * Retries a run: whatever failed, or some of it, or what a rerun takes back.
 *
 * @throws JobbersError `run-unknown`, `key-taken`, `step-unknown`, `step-not-retryable`
 */
export async function restart(
  store: Pick<Store, "retry">,
  run: string,
  options: RetryOptions,
): Promise<Restarted> {
  const result = await store.retry(run, options);
  const only = options.only && "step" in options.only ? options.only.step : "";
  const refusal = refusalOf(result, run, only);
  if (refusal) throw refusal;
  return result.status as Restarted;
}

function refusalOf(result: RetryResult, run: string, step: string): JobbersError | undefined {
  const which = `step ${quoted(step)} of run ${run}`;
  switch (result.status) {
    case "key-taken": {
      const { holder } = result;
      const what = `run ${run} cannot go on, because run ${holder} holds its key by now`;
      return new JobbersError("key-taken", what, { detail: { id: run, holder } });
    }
    case "unknown":
      return new JobbersError("run-unknown", `there is no run ${run}`);
    case "purged":
      return new JobbersError(
        "run-unknown",
        `nothing of run ${run} is kept but its id; submit it anew under another`,
      );
    case "step-unknown":
      return new JobbersError("step-unknown", `run ${run} has no record of a step ${quoted(step)}`);
    case "step-not-failed":
      return new JobbersError(
        "step-not-retryable",
        `${which} has not failed by itself, so there is nothing of it to try again`,
      );
    case "step-not-succeeded":
      return new JobbersError(
        "step-not-retryable",
        `${which} has neither succeeded nor failed, so there is nothing to run again; retry the run instead`,
      );
    case "step-kept":
      return new JobbersError(
        "step-not-retryable",
        `${which} lies in what stays as it is: its failure, or that of the body around it, was caught, or it is in an onFailure body`,
      );
    default:
      return undefined;
  }
}

/** The text of an input that the step's task would take. */
async function checkInput(
  { store, plans }: RedriveDeps,
  { run, step }: DeadLetterRef,
  input: unknown,
  task: AnyTask | undefined,
): Promise<string> {
  const what = `input of step ${quoted(step)}`;
  const raw = checkJson(input, what);
  const name = await taskOf({ store, plans }, run, step);
  if (task && name !== task.name)
    throw new JobbersError(
      "input-invalid",
      `step ${quoted(step)} calls the task ${quoted(name)}, not "${task.name}"`,
    );
  await checkSchema(store, name, raw);
  if (task) await parseWith(task.input, raw, what);
  const text = withinLimit(encodeJson(raw, what), what);
  return store.large ? await store.large.keep(run, valueKey.edited(step), text) : text;
}

async function taskOf({ store, plans }: RedriveDeps, run: string, address: string): Promise<string> {
  const record = await store.getRun(run);
  if (!record || record.purged) throw new JobbersError("run-unknown", `there is no run ${run}`);
  const index = await plans.read(record.plan);
  try {
    const { step } = locate(index, address);
    if (step.kind === "task") return step.task;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new JobbersError("step-unknown", `run ${run} has no step ${quoted(address)}`);
  }
  throw new JobbersError(
    "step-not-retryable",
    `step ${quoted(address)} of run ${run} calls no task, so it has no input of its own`,
  );
}

/** Where a worker has registered a JSON Schema with the task, the input has to fit it. */
async function checkSchema(store: RedriveDeps["store"], task: string, input: JsonValue): Promise<void> {
  const schema = (await store.findRegistration(task))?.inputSchema;
  const [first, ...rest] = schema === undefined ? [] : createInputCheck(schema)(input);
  if (!first) return;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : "";
  const message = `the input does not fit task "${task}": ${first.pointer} ${first.detail}${more}`;
  throw new InputRefused(message, [first, ...rest]);
}

/** How far a redrive or a purge of many is. */
export interface LetterPage {
  /** Dead letters that this call saw, and how many of them it did something about. */
  readonly seen: number;
  readonly done: number;
  /** Of a redrive: the runs that go on, each with all its letters that fit. */
  readonly runs: readonly string[];
  /** Where the next call goes on; absent at the end. */
  readonly next?: string | undefined;
}

/** Which letters one call is about. */
export interface LetterPageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** How many runs are retried at a time. */
const AT_ONCE = 8;

/** Has what a page of dead letters is about run again: each run goes on with all its letters that the filter fits. */
export async function redriveLetters(
  store: Pick<Store, "retry" | "listDeadLetters">,
  filter: DeadLetterFilter,
  query: LetterPageQuery,
): Promise<LetterPage> {
  const { letters, next } = await store.listDeadLetters({ ...filter, ...query });
  const { run: _run, ...rest } = filter;
  const ids = [...new Set(letters.map(({ run }) => run))];
  const runs: string[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const results = await Promise.all(some.map((id) => store.retry(id, { only: { letters: rest } })));
    runs.push(...some.filter((_, i) => results[i]?.status === "retried"));
  }
  const done = letters.filter(({ run }) => runs.includes(run)).length;
  return { seen: letters.length, done, runs, next };
}

/** Forgets a page of dead letters. */
export async function purgeLetters(
  store: Pick<Store, "purgeDeadLetters" | "listDeadLetters">,
  filter: DeadLetterFilter,
  query: LetterPageQuery,
): Promise<LetterPage> {
  const { letters, next } = await store.listDeadLetters({ ...filter, ...query });
  const done = await store.purgeDeadLetters(letters.map(({ run, step }) => ({ run, step })));
  return { seen: letters.length, done, runs: [], next };
}
