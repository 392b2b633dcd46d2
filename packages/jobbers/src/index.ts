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
  Failure,
  FailureMode,
  InputOf,
  JsonValue,
  Limit,
  MapOptions,
  OutputOf,
  Plan,
  Progress,
  Ref,
  RefTo,
  RetryPolicy,
  RunState,
  Schema,
  Spread,
  StepError,
  StepOptions,
  StepRecord,
  StepState,
  Store,
  Task,
  TaskContext,
  TaskLog,
  TaskOptions,
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
  RunCancelled,
  RunFailed,
  random,
  rate,
  roundRobin,
  task,
  testContext,
  toMermaid,
} from "@jobbers/core";
export type {
  Cause,
  Explanation,
  Run,
  RunEvent,
  RunFailure,
  RunStatus,
  StepProgress,
  SubmitItem,
  SubmitOptions,
} from "@jobbers/runs";
export type { TlsTexts } from "@jobbers/store-redis";
export { type ConnectOptions, connect } from "./connect.js";
export type { Jobbers, SubmitArgs, SubmittedItem } from "./jobbers.js";
export { ulid } from "./ulid.js";
export type { JobbersWorker, WorkerOptions } from "./worker.js";
