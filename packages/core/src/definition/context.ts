import type { Duration } from "./policy.js";

/** What a task's function learns about where it runs, and how it reports back. */
export interface TaskContext<out D = unknown> {
  /** The run's id, a ULID. */
  readonly run: string;
  /** The step's address in the run: `fetch`, or in a map `fetch[3]`. */
  readonly step: string;
  /** The number of this attempt; it only ever grows, also when an earlier one was given back or lost. */
  readonly attempt: number;
  /** How many tries this step has used, this one included; retry policies count these. */
  readonly tries: number;
  /** Aborts when the run is cancelled, the timeout is over, or another worker has taken the step; its reason says which. */
  readonly signal: AbortSignal;
  /** The same text for every attempt of this step: hand it to services that recognise repeated requests. */
  readonly idempotencyKey: string;
  /** What the worker was given as `deps`, such as a database pool; annotate `ctx: TaskContext<MyDeps>` to have it typed. */
  readonly deps: D;
  /** The W3C trace context of this attempt, where there is one. */
  readonly traceparent?: string | undefined;
  readonly log: TaskLog;
  /**
   * Says that the attempt is alive, and how far it is. Costs next to nothing: what it says last goes to the store with the worker's
   * next renewal, a few seconds later.
   *
   * @example
   * ctx.heartbeat({ at: "page 3", done: 3, total: 10 });
   */
  heartbeat(progress?: Progress): void;
  /**
   * Says that something outside asked to slow down (HTTP 429): no step starts for this long under the limits that this one runs under,
   * those with a key, or all where none has one. Then a rate begins at half of what it was, and grows back to all of it within ten times as
   * long. The attempt itself goes on: throw `RetryAfter` to have it tried again.
   *
   * @param duration for how long, at most a day
   * @param limit the name of the one limit that is meant
   * @throws JobbersError `definition-invalid` when the duration is none
   * @example
   * if (response.status === 429) await ctx.throttled("30s");
   */
  throttled(duration: Duration, limit?: string): Promise<void>;
}

/** How far an attempt is; every part may be left out. At most 1 KiB of JSON is kept: of more, `detail` is dropped first. */
export interface Progress {
  /** What it is at, for people. */
  readonly at?: string | undefined;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  /** Anything else that is JSON. */
  readonly detail?: unknown;
}

/** Facts beside a log line's message; values should be JSON. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes log lines that know their run, step and attempt. They go to the worker's log; from level `info` on, or what `keepLogs` says, they
 * are kept with the step as well: at most 1,000 of a step, 256 KiB in all, and 4 KiB of one.
 */
export interface TaskLog {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** One line that a task under test has logged. */
export interface LoggedLine {
  readonly level: keyof TaskLog;
  readonly message: string;
  readonly fields?: LogFields | undefined;
}

/** What a task under test has asked for with `ctx.throttled`. */
export interface Throttled {
  readonly duration: Duration;
  readonly limit?: string | undefined;
}

/** A context for tests, which remembers what the task told it. */
export interface TestContext<D = unknown> extends TaskContext<D> {
  /** Every progress reported, in order. */
  readonly heartbeats: readonly Progress[];
  /** Every throttling asked for, in order. */
  readonly throttlings: readonly Throttled[];
  /** Every line logged, in order. */
  readonly logged: readonly LoggedLine[];
}

/**
 * Makes a context for a unit test of a task; what it is told can be read back.
 *
 * @param overrides any part to replace, such as `deps` or a `signal` that the test aborts
 * @example
 * const ctx = testContext({ deps: { db } });
 * await fetchPage.run({ url: "https://example.org" }, ctx);
 * ctx.heartbeats; // [{ at: "downloaded", done: 1, total: 2 }]
 */
export function testContext<D = unknown>(overrides: Partial<TaskContext<D>> = {}): TestContext<D> {
  const heartbeats: Progress[] = [];
  const throttlings: Throttled[] = [];
  const logged: LoggedLine[] = [];
  const write = (level: keyof TaskLog) => (message: string, fields?: LogFields) => {
    logged.push(fields === undefined ? { level, message } : { level, message, fields });
  };
  return {
    run: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    step: "test",
    attempt: 1,
    tries: 1,
    signal: new AbortController().signal,
    idempotencyKey: "01ARZ3NDEKTSV4RRFFQ69G5FAV:test",
    deps: undefined as D,
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    heartbeat: (progress = {}) => void heartbeats.push(progress),
    throttled: async (duration, limit) =>
      void throttlings.push({ duration, ...(limit !== undefined && { limit }) }),
    ...overrides,
    heartbeats,
    throttlings,
    logged,
  };
}
