import type {
  ApiEvent,
  ApiWorkerEvent,
  Attempt,
  BlobPlace,
  LogLine,
  PlanStepProgress,
  RunSummary,
  Step,
  StepDetail,
} from "@jobbers/api";
import type { JsonValue, ProgressRecord, RunKey, StepState } from "@jobbers/core";
import type { Explanation } from "./explanation.js";
import type { InMs } from "./instants.js";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason; what it asked for may have been done all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** One execution of a dag or task, behind a server. Making a handle costs nothing: it asks when it is asked. */
export interface ClientRun<out O = unknown> {
  /** The run's ULID. */
  readonly id: string;
  /**
   * Where the run is now.
   *
   * @throws JobbersHttpError, `run-unknown` among others
   */
  status(options?: CallOptions): Promise<RunStatus>;
  /** The run with its input, and how its steps are doing, in one answer. */
  detail(options?: CallOptions): Promise<RunStatus & Detail>;
  /**
   * Waits for the run's end and answers its output.
   *
   * @throws RunFailed with the step, its error and its attempts; RunCancelled; JobbersHttpError; the signal's reason
   * @example
   * const output = await run.result({ signal: AbortSignal.timeout(60_000) });
   */
  result(options?: CallOptions): Promise<O>;
  /**
   * Waits for the run's end and answers the elements of its output, a list, page by page.
   *
   * @throws what `result()` throws; JobbersHttpError `output-invalid` where the output is no list
   * @example
   * for await (const page of run.items()) console.log(page);
   */
  items(options?: CallOptions): AsyncIterable<O extends readonly (infer E)[] ? E : unknown>;
  /**
   * Asks the run to end: "cancelled" where it has, "cancelling" while something of it runs, "ended" where it ended otherwise.
   *
   * @throws JobbersHttpError
   */
  cancel(options?: CallOptions): Promise<"cancelled" | "cancelling" | "ended">;
  /**
   * Starts a run that failed or was cancelled again, at the steps that did not succeed; "running" where it goes on already,
   * "succeeded" where there is nothing to retry. With `from`, of the steps that failed only that one runs again: `fetch[3]`, or with
   * the name in the plan, `fetch`, all that failed under it. Where `from` is a step that succeeded, or a map or dag that has ended, it runs
   * again with all that depends on it, also in a run that succeeded.
   *
   * @throws JobbersHttpError `run-unknown`, `step-unknown`, `step-not-retryable` and others
   */
  retry(
    options?: CallOptions & { readonly from?: string | undefined },
  ): Promise<"retried" | "running" | "succeeded">;
  /** The steps that were touched so far, by address; read in pages. */
  steps(options?: { readonly states?: readonly StepState[] | undefined }): AsyncIterable<StepRecord>;
  /**
   * One step, with the tries that did not succeed and what it answered.
   *
   * @throws JobbersHttpError
   */
  step(address: string, options?: CallOptions): Promise<DetailedStep>;
  /** How far the run is, by step name, in the order of the plan. */
  progress(options?: CallOptions): Promise<StepProgress[]>;
  /**
   * Why the run, or one step of it, is not further: what it waits for, and what that waits for.
   *
   * @throws JobbersHttpError `run-unknown`, `step-unknown`
   * @example
   * console.log((await run.explain()).sentence); // Step fetch waits in queue mail behind 1,204 steps. No live worker serves …
   */
  explain(step?: string, options?: CallOptions): Promise<Explanation>;
  /**
   * What the run's steps have logged with `ctx.log`, oldest first; with `follow` also what they log from now on, until the run has ended.
   * A connection that is cut is taken up again where it was.
   *
   * @throws JobbersHttpError `run-unknown` among others; the signal's reason
   * @example
   * for await (const line of run.logs({ follow: true, level: "warn" })) console.log(line.step, line.message);
   */
  logs(options?: LogOptions): AsyncIterable<LogRecord>;
  /**
   * What happens to the run from now on; the last event is always `run.ended`. A `gap` says that events were missed. A connection
   * that is cut is taken up again where it was.
   *
   * @example
   * for await (const event of run.events()) console.log(event.type);
   */
  events(options?: CallOptions): AsyncIterable<RunEvent>;
}

interface Detail {
  readonly input?: unknown;
  /** Where the input lies where it is too large for the store. */
  readonly inputPlace?: BlobPlace | undefined;
  readonly steps: readonly StepProgress[];
}

/** A run's record, with what failed first where something did; instants are milliseconds since 1970. */
export type RunStatus = Omit<InMs<RunSummary>, "version" | "key"> & {
  /** The hash of its plan. */
  readonly plan: string;
  /** The key that it was submitted with. */
  readonly key?: RunKey | undefined;
};

/** A record of a step with its progress, too, as it is in the library. */
export type StepInMs<S extends Step> = Omit<InMs<S>, "progress"> & {
  /** How far it is: only while it runs, and when its handler has said so. */
  readonly progress?: ProgressRecord | undefined;
};

/** A step's record; its last error is JSON text. */
export type StepRecord = Omit<StepInMs<Step>, "error"> & {
  readonly run: string;
  readonly error?: string | undefined;
};

/** A step with its failed tries and its output. */
export type DetailedStep = Omit<StepInMs<StepDetail>, "attempts"> & {
  readonly attempts: readonly InMs<Attempt>[];
};

/** How far the steps of one name are. */
export type StepProgress = Omit<PlanStepProgress, "record"> & {
  /** Outside of maps: the step's record, once it was touched. */
  readonly record?: StepInMs<Step> | undefined;
};

/** Which lines of a run's log are read. */
export interface LogOptions {
  /** Only those of the step at this address. */
  readonly step?: string | undefined;
  /** Only those at least so grave. */
  readonly level?: LogLine["level"] | undefined;
  /** Goes on with what comes, until the run has ended. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One line that an attempt of a step has logged. */
export type LogRecord = InMs<LogLine>;

/** Something that happened to a run, or the news that events were missed. */
export type RunEvent = Omit<Told, "run"> | { readonly type: "gap" };

/** Something that happened to any run or worker, or the news that events were missed. */
export type FeedEvent = Told | InMs<ApiWorkerEvent> | { readonly type: "gap" };

type Told = Omit<InMs<ApiEvent>, "detail"> & { readonly detail?: JsonValue | undefined };
