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
export type { TlsTexts } from "@jobbers/store-redis";
export { type ConnectOptions, connect } from "./connect.js";
export type { Jobbers, SubmitArgs, SubmittedItem } from "./jobbers.js";
export type { Run, RunEvent, RunFailure, RunStatus, StepProgress } from "./run-types.js";
export type { SubmitOptions } from "./submit-options.js";
export type { SubmitItem } from "./submitter.js";
export { ulid } from "./ulid.js";
export type { JobbersWorker, WorkerOptions } from "./worker.js";
