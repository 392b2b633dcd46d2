import type {
  LogLevel,
  LogRecord,
  RunEventRecord,
  RunRecord,
  SpreadSummary,
  StepRecord,
  StepState,
} from "@jobbers/core";
import type { Explanation } from "./explain/cause.js";

/** One execution of a dag or task, seen from outside. Making a handle costs nothing: it reads when it is asked. */
export interface Run<out O = unknown> {
  /** The run's ULID. */
  readonly id: string;
  /**
   * Where the run is now.
   *
   * @throws JobbersError `run-unknown`
   */
  status(): Promise<RunStatus>;
  /**
   * Waits for the run's end and answers its output.
   *
   * @throws RunFailed with the step, its error and its attempts; RunCancelled; JobbersError `run-unknown`; the signal's reason
   * @example
   * const output = await run.result({ signal: AbortSignal.timeout(60_000) });
   */
  result(options?: { readonly signal?: AbortSignal | undefined }): Promise<O>;
  /**
   * Waits for the run's end and answers the elements of its output, a list, page by page: what a wide map made may be too large to be
   * held as one value.
   *
   * @throws what `result()` throws; JobbersError `output-invalid` where the output is no list
   * @example
   * for await (const page of run.items()) console.log(page);
   */
  items(options?: {
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterable<O extends readonly (infer E)[] ? E : unknown>;
  /**
   * Asks the run to end: "cancelled" where it has, "cancelling" while something of it runs, "ended" where it ended otherwise.
   *
   * @throws JobbersError `run-unknown`
   */
  cancel(): Promise<"cancelled" | "cancelling" | "ended">;
  /**
   * Has a failed or cancelled run go on: reruns only what failed and what depends on it, keeping the other results. Answers
   * "retried"; "running" where the run has not ended, or was retried before; "succeeded" where there is nothing to retry.
   *
   * With `from`, of the steps that failed only that one runs again: `fetch[3]`, or with the name in the plan, `fetch`, all that failed
   * under it. The other failures are kept, so the run may fail of them again. Where `from` is a step that succeeded, or a map or dag that has
   * ended, it runs again with all that depends on it, also in a run that succeeded.
   *
   * @throws JobbersError `run-unknown`, also where nothing of the run is kept but its id; `key-taken` where another run holds the key
   * that it was submitted with; `step-unknown`; `step-not-retryable` where that step was never reached, skipped, cancelled or caught, or
   * lies inside a map and has not failed
   * @example
   * await run.retry();
   * const output = await run.result(); // waits for the new end
   * await run.retry({ from: "report" }); // with other code, say
   */
  retry(options?: { readonly from?: string | undefined }): Promise<"retried" | "running" | "succeeded">;
  /** The steps that were touched so far, by address; read in pages. */
  steps(options?: { readonly states?: readonly StepState[] | undefined }): AsyncIterable<StepRecord>;
  /** How far the run is, by step name, in the order of the plan. */
  progress(): Promise<StepProgress[]>;
  /**
   * Why the run, or one step of it, is not further: what it waits for, and what that waits for. A run or step that is not there
   * is an answer, too.
   *
   * @example
   * console.log((await run.explain()).sentence); // Step fetch waits in queue mail behind 1,204 steps. No live worker serves …
   */
  explain(step?: string): Promise<Explanation>;
  /**
   * What the run's steps have logged with `ctx.log`, oldest first; with `follow` also what they log from now on, until the run has ended.
   *
   * @throws JobbersError `run-unknown`; the signal's reason
   * @example
   * for await (const line of run.logs({ follow: true, level: "warn" })) console.log(line.step, line.message);
   */
  logs(options?: LogOptions): AsyncIterable<LogRecord>;
  /**
   * What happens to the run from now on; the last event is always `run.ended`. A `gap` says that events were missed.
   *
   * @example
   * for await (const event of run.events()) console.log(event.type, event.step);
   */
  events(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<RunEvent>;
}

/** Which lines of a run's log are read. */
export interface LogOptions {
  /** Only those of the step at this address. */
  readonly step?: string | undefined;
  /** Only those at least so grave. */
  readonly level?: LogLevel | undefined;
  /** Goes on with what comes, until the run has ended. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A run's record, with what failed first where something did. */
export interface RunStatus extends Omit<RunRecord, "failure"> {
  readonly failure?: RunFailure | undefined;
}

/** What failed first in a run and was not rescued. */
export interface RunFailure {
  readonly step: string;
  readonly error: { readonly name: string; readonly message: string };
}

/** How far the steps of one name are. */
export interface StepProgress {
  /** The name in the plan: `fetch`, or `site/fetch` inside the dag `site`. */
  readonly name: string;
  readonly kind: "task" | "map" | "dag";
  /** How many maps it is in. */
  readonly depth: number;
  /** How many there will be in all; absent while that is not known. */
  readonly total?: number | undefined;
  /** How many have settled, whatever their outcome. */
  readonly settled: number;
  readonly counts: Readonly<Partial<Record<StepState, number>>>;
  /** Of a map with a spread that stands in no other map: how its children were laid over queues, once some were. */
  readonly spread?: SpreadSummary | undefined;
}

/** Something that happened to a run, or the news that events were missed. */
export type RunEvent = Omit<RunEventRecord, "cursor" | "run"> | { readonly type: "gap" };
