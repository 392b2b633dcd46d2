import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { FairKey } from "../limits/fair-key.js";
import type { FailureMode, Inlining, Plan, RetryPlan, Trigger } from "../plan/plan.js";
import type { LogLevel } from "../store/logs.js";
import type { Items } from "../values/items.js";
import type { BatchContext, BatchPlan } from "./batch.js";
import type { CommandSpec } from "./command.js";
import type { TaskContext } from "./context.js";
import type { Hooks } from "./hooks.js";
import type { Isolation, IsolationOptions } from "./isolation.js";
import type { Limit } from "./limits.js";
import type { Duration, RetryOn, RetryPolicy, TaskRetryPolicy } from "./policy.js";
import type { Input, IsAny, Ref, RefTo, Wirable } from "./ref-types.js";
import type { Spread } from "./spread.js";
import type { Sticky } from "./sticky.js";

/** A schema of any library that follows Standard Schema. */
export type Schema<I = unknown, O = I> = StandardSchemaV1<I, O>;

/** What first failed in a run, as an `onFailure` body sees it. */
export interface Failure {
  /** The step's address, such as `fetch[3]`. */
  readonly step: string;
  readonly error: { readonly name: string; readonly message: string };
}

/** The options of every call inside `dag()`. */
export interface StepOptions {
  /** The step's name instead of the one chosen by rule; taken as it is, 1 to 128 of `A-Za-z0-9._-`. */
  name?: string | undefined;
  /** Skips the step when false. */
  when?: RefTo<boolean> | undefined;
  /** When the step runs, judged once all its parents have settled; default "all_success". */
  trigger?: Trigger | undefined;
  /** Steps to wait for without taking data from them. */
  after?: RefTo<unknown> | readonly RefTo<unknown>[] | undefined;
}

/** The options of a task's call, which go before the task's own. */
export interface CallOptions extends StepOptions {
  queue?: string | undefined;
  /** 0 to 9, higher first. */
  priority?: number | undefined;
  /** Instead of the task's, all of it but `on`, which stays the task's. */
  retry?: RetryPolicy | undefined;
  timeout?: Duration | undefined;
  startWithin?: Duration | undefined;
  /**
   * Whether the step, where it is its only parent's only child, is handed straight to the worker that ended the parent, past its queue:
   * `"auto"`, as long as its task is usually short and its slots are not counted apart; `"always"`, however long it takes; `"never"`,
   * so that it always stands in its queue. In each case that worker has to take from the step's queue. Default "auto".
   */
  inline?: Inlining | undefined;
  /**
   * For how long the step is left to the worker that ran the step before it (of several: the one that ended last), by its name, for what that has left
   * behind on its machine; then any worker may take it. It has to follow a task. Default: any worker may take it at once.
   *
   * @example
   * const path = download({ url });
   * const text = transcribe({ path }, { sticky: "10s" });
   */
  sticky?: Duration | undefined;
}

/** The options of `list.map(body, options)`. */
export interface MapOptions<E> extends StepOptions {
  /**
   * How the children are laid over queues: all steps of a child stand in the queue that is chosen for it, but for those whose call
   * names a queue. Default: in their own queues. With `sticky()` they stand there, too, but are left to the worker of the step before for a
   * while.
   */
  spread?: Spread<E> | Sticky | undefined;
}

/** A task or a dag: whatever can be submitted as a run. */
export interface Workflow<out I = unknown, out O = unknown> {
  readonly kind: "task" | "dag";
  readonly name: string;
  /** Parses the run's input. */
  readonly input: Schema | undefined;
  /** The graph of a run, as data. */
  readonly plan: Plan;
  /** The first 32 hexadecimal digits of the SHA-256 of the plan's canonical JSON. */
  readonly version: string;
  readonly tags: readonly string[];
  /** Exists for types only. */
  readonly "~types"?: { readonly input: I; readonly output: O } | undefined;
}

/** What a run of a workflow takes, before its schema has parsed it. */
export type InputOf<W> = W extends Workflow<infer I, unknown> ? I : never;
/** What a run of a workflow answers. */
export type OutputOf<W> = W extends Workflow<unknown, infer O> ? O : never;

type Optional<I> = IsAny<I> extends true ? false : Record<never, never> extends I ? true : false;
type Call<I, O, Options> =
  Optional<I> extends true
    ? (input?: Input<I>, options?: Options) => Ref<O>
    : (input: Input<I>, options?: Options) => Ref<O>;

/** What a task object has beside being callable; `P` is its parsed input. */
export interface TaskParts<out I, out O, P> extends Workflow<I, O> {
  readonly kind: "task";
  readonly output: Schema | undefined;
  readonly queue: string;
  readonly priority: number | undefined;
  readonly retry: RetryPlan;
  readonly retryOn: RetryOn | undefined;
  readonly timeoutMs: number | undefined;
  readonly startWithinMs: number | undefined;
  readonly heartbeatMs: number | undefined;
  readonly keepMs: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly events: "each" | "summed";
  /** How many of a worker's slots an attempt takes. No part of the plan: the worker's version of the task decides. */
  readonly slots: number;
  /** From which level on its lines are kept; undefined where its worker decides. */
  readonly keepLogs: LogLevel | "none" | undefined;
  readonly hooks: Hooks | undefined;
  /** Where its handler runs; undefined: in the worker's own thread. No part of the plan: the worker's version of the task decides. */
  readonly isolation: Isolation | undefined;
  /** The program that it runs, where `command()` made it. */
  readonly command?: CommandSpec | undefined;
  /** How many steps go into one call of its handler; undefined: one. */
  readonly batch: BatchPlan | undefined;
  /** Their keys take the parsed input, whose type is erased here so that every task is an {@link AnyTask}. */
  readonly limits: readonly Limit<never>[];
  /** Says whose turn a step takes, from the parsed input; undefined: all steps go together. */
  readonly fair: FairKey | undefined;
  /** The policy as `task()` was given it, without defaults. */
  readonly options: Readonly<TaskPolicy>;
  /**
   * Runs the task's function on an input that is parsed already, then its output schema; nothing returned becomes `null`. Of a batch
   * task it is a batch of one, whose error is thrown.
   *
   * @throws whatever the function throws; JobbersError `output-invalid`
   */
  run(input: P, ctx: TaskContext): Promise<O>;
  /**
   * Of a batch task: runs its function on many inputs that are parsed already; answers an output or an Error for each.
   *
   * @throws whatever the function throws; JobbersError `output-invalid` when it does not answer one for each input
   */
  runBatch?(inputs: readonly P[], ctx: BatchContext): Promise<(O | Error)[]>;
}

/** What a dag object has beside being callable. */
export interface DagParts<out I, out O> extends Workflow<I, O> {
  readonly kind: "dag";
  /** Every task in the dag and in the dags inside it, by name. */
  readonly tasks: ReadonlyMap<string, AnyTask>;
  /** Every dag inside the dag, at any depth, by name; a worker needs their input schemas. */
  readonly dags: ReadonlyMap<string, AnyDag>;
  /** The spreads of its maps, by plan name. */
  readonly spreads: ReadonlyMap<string, Spread<never>>;
}

/** A task: call it inside `dag()` to add a step, `run` it in a unit test, or submit it by itself. */
export type Task<I, O, P = I> = Call<I, O, CallOptions> & TaskParts<I, O, P>;
/** A dag: call it inside another `dag()` to inline it, or submit it. */
export type Dag<I, O> = Call<I, O, StepOptions> & DagParts<I, O>;
/** Any task, whatever its types. */
export type AnyTask = TaskParts<unknown, unknown, unknown>;
/** Any dag, whatever its types. */
export type AnyDag = DagParts<unknown, unknown>;
/** Any task or dag. */
export type AnyWorkflow = AnyTask | AnyDag;

/** Marks a type that cannot be carried; its text says why. */
export interface Problem<Message extends string> {
  readonly [problem]: Message;
}
declare const problem: unique symbol;

type Fn = (...args: never[]) => unknown;
type NoJson =
  | bigint
  | symbol
  | Fn
  | Date
  // biome-ignore lint/suspicious/noExplicitAny: maps and sets of whatever are refused alike
  | ReadonlyMap<any, any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  | ReadonlySet<any>
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView
  | PromiseLike<unknown>;

/** The type itself where JSON, or else `Also`, can carry it; a {@link Problem} in the places where it cannot. */
export type Json<T, Also = never> =
  IsAny<T> extends true
    ? T
    : unknown extends T
      ? T
      : // biome-ignore lint/suspicious/noConfusingVoidType: functions that return nothing are typed so
        T extends string | number | boolean | null | undefined | void
        ? T
        : T extends Also
          ? T
          : T extends NoJson
            ? Problem<"JSON cannot carry this; return a string, number, boolean, null, list or plain object">
            : T extends readonly unknown[]
              ? number extends T["length"]
                ? readonly JsonItem<T[number], Also>[]
                : { [K in keyof T]: JsonItem<T[K], Also> }
              : T extends object
                ? { [K in keyof T]: Json<T[K], Also> }
                : T;
type JsonItem<T, Also> = undefined extends T
  ? unknown extends T
    ? T
    : Problem<"a list in JSON cannot hold undefined">
  : Json<T, Also>;

/** A schema's type where JSON can carry it, else the type with its problems marked. */
export type Checked<T> = [T] extends [Json<T>] ? T : Json<T>;
/** What a task's schema takes: JSON, in which a list that is read page by page may stand. */
export type Taken<T> = [T] extends [Json<T, Items<unknown>>] ? T : Json<T, Items<unknown>>;
export type Carried<O> = [O] extends [Json<O>] ? unknown : Json<O>;
/** What becomes of an output in the store: `any` reads as `unknown`, nothing as `null`. */
// biome-ignore lint/suspicious/noConfusingVoidType: functions that return nothing are typed so
export type Stored<O> = IsAny<O> extends true ? unknown : O extends void | undefined ? null : O;

/** What a schema takes; without a schema, an empty object. */
export type In<S> = S extends Schema ? StandardSchemaV1.InferInput<S> : Record<string, never>;
/** What a schema answers; without a schema, an empty object. */
export type Parsed<S> = S extends Schema ? StandardSchemaV1.InferOutput<S> : Record<string, never>;

/** The part of a task's options that is the same whatever its types. */
export interface TaskPolicy {
  /** 1 to 128 of `A-Za-z0-9._-`; unique among the tasks of a worker. */
  name: string;
  /** Default "default". */
  queue?: string | undefined;
  /** 0 to 9, higher first; default: the run's own. */
  priority?: number | undefined;
  /** Default: 3 attempts, exponential from 1 s to 5 min, with jitter. */
  retry?: TaskRetryPolicy | undefined;
  /** How long one attempt may take; default: no end. */
  timeout?: Duration | undefined;
  /**
   * How long a step may wait in its queue for its first try, from when it is ready; default: for ever. A step that waited longer is
   * not started any more: it fails with reason `expired` and an error named `StepExpired`, and what follows is judged as after any
   * failure. Retries do not count against it; a step that its worker gave back, or vanished with, has to be taken again within the
   * same time.
   *
   * @example
   * const greet = task({ name: "greet", startWithin: "30s", run: async () => "hello" });
   */
  startWithin?: Duration | undefined;
  /**
   * An attempt that is silent for longer counts as frozen, at least 250 ms: an event loop that is busy for so long is silent,
   * too. Default: it need not report.
   */
  heartbeat?: Duration | undefined;
  /** How long a run of this task alone is kept after its end, instead of the store's retention; 0 keeps only its id. */
  keep?: Duration | undefined;
  /**
   * The deadline of a run of this task alone whose submission names none, from when the run is due to start; default: none. See
   * `deadline` of `submit`.
   */
  deadline?: Duration | undefined;
  /**
   * How the feed tells of its steps: `"summed"`, one event for all that one exchange did to the steps of a run, or `"each"`, besides that
   * one for each start and end (`step.started`, `step.succeeded` …), which costs small tasks some of their throughput. Default "summed".
   *
   * @example
   * const deploy = task({ name: "deploy", events: "each", run: async () => "done" });
   */
  events?: "each" | "summed" | undefined;
  /**
   * How many of a worker's slots one attempt takes, for work that is heavier than other; default 1. A worker with fewer slots than that
   * refuses to start with the task. Of a batch task it is what one call takes.
   *
   * @example
   * const render = task({ name: "render", slots: 3, run: async () => "done" });
   */
  slots?: number | undefined;
  /**
   * From which level on what its handler logs is kept with the step; default: what its worker says, usually "info". It is no part of the
   * plan.
   *
   * @example
   * const sync = task({ name: "sync", keepLogs: "debug", run: async (_, ctx) => ctx.log.debug("begun") });
   */
  keepLogs?: LogLevel | "none" | undefined;
  tags?: readonly string[] | undefined;
  /** Told of this task's attempts, before the worker's own. */
  hooks?: Hooks | undefined;
}

/** What `task()` takes. */
export interface TaskOptions<S, R, O> extends TaskPolicy, IsolationOptions {
  /** Parses the input for each attempt. */
  input?: S | undefined;
  /** Parses what `run` returns; needed where that is not JSON. */
  output?: Schema<R, O> | undefined;
  /**
   * Rate and concurrency caps; all of them hold together. What is written here is the default: live edits go before it.
   *
   * @example
   * const page = task({
   *   name: "page",
   *   input: z.object({ host: z.string() }),
   *   limits: [{ rate: 10, per: "1s", key: (i) => i.host }, { concurrency: 20 }],
   *   run: async ({ host }) => host,
   * });
   */
  limits?: readonly Limit<Parsed<S>>[] | undefined;
  /**
   * Says whose turn a step takes, from the parsed input: in its queue those keys (tenants, say) are served in turn, each according to its
   * weight (default 1, see the queue's `weights`), however many steps one of them has waiting.
   *
   * @example
   * const mail = task({ name: "mail", input: z.object({ tenant: z.string() }), fair: (i) => i.tenant, run: async () => "sent" });
   */
  fair?: ((input: Parsed<S>) => string | number) | undefined;
  run(input: Parsed<S>, ctx: TaskContext): (R & Carried<O>) | Promise<R & Carried<O>>;
}

/** What `dag()` takes beside its name and its build function. */
export interface DagOptions<S> {
  /** Parses the input once, at submit; what it answers must be JSON. */
  input?: S | undefined;
  /** Default "stop": a failure cancels what has not started. "continue" lets independent branches run on. */
  failure?: FailureMode | undefined;
  /**
   * Builds steps that run when all else has settled and the run failed; not after a cancel. They never change the outcome,
   * and what the function returns is not kept.
   */
  onFailure?: ((failure: Ref<Failure>, input: Ref<Checked<Parsed<S>>>) => Wirable) | undefined;
  /**
   * The deadline of a run whose submission names none, from when the run is due to start; default: none. See `deadline` of `submit`.
   * That of a dag inside a dag says nothing.
   */
  deadline?: Duration | undefined;
  tags?: readonly string[] | undefined;
}
