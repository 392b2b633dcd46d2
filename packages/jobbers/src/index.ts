/**
 * Jobbers: define tasks and dags, connect to a store, submit runs, run workers.
 *
 * @module
 */
export type {
  AnyDag,
  AnyTask,
  AnyWorkflow,
  CallOptions,
  Dag,
  DagOptions,
  Durability,
  Duration,
  ErrorCode,
  FailedAttempt,
  Failure,
  FailureMode,
  HookedAttempt,
  Hooks,
  InputOf,
  JsonValue,
  Limit,
  MapOptions,
  OutputOf,
  Plan,
  Progress,
  Ref,
  RefTo,
  ReleasedAttempt,
  RetryOn,
  RetryPolicy,
  RunState,
  Schema,
  SettledAttempt,
  Spread,
  StepError,
  StepOptions,
  StepRecord,
  StepState,
  Store,
  SucceededAttempt,
  Task,
  TaskContext,
  TaskLog,
  TaskOptions,
  TaskRetryPolicy,
  TestContext,
  Trigger,
  Wirable,
  Workflow,
} from "@jobbers/core";
export {
  concurrency,
  dag,
  eq,
  errorCatalogue,
  hash,
  JobbersError,
  leastLoaded,
  not,
  orElse,
  RetryAfter,
  RunCancelled,
  RunFailed,
  random,
  rate,
  roundRobin,
  Terminal,
  task,
  testContext,
  toMermaid,
} from "@jobbers/core";
export type {
  Run,
  RunEvent,
  RunFailure,
  RunStatus,
  StepProgress,
  SubmitItem,
  SubmitOptions,
} from "@jobbers/runs";
export type { TlsTexts } from "@jobbers/store-redis";
export { AttemptAborted } from "@jobbers/worker";
export { type ConnectOptions, connect } from "./connect.js";
export type { Jobbers, SubmitArgs, SubmittedItem } from "./jobbers.js";
export { ulid } from "./ulid.js";
export type { JobbersWorker, WorkerOptions } from "./worker.js";
