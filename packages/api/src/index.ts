/**
 * The HTTP API of Jobbers: one Hono app over any store.
 *
 * @module
 */
export { type Api, type ApiDeps, createApi } from "./api.js";
export type { Thrown } from "./wire/basics.js";
export type { Cause } from "./wire/cause.js";
export type { DagDetail, DagList, DagSummary } from "./wire/dag.js";
export type {
  DeadLetter,
  DeadLetterCounts,
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterProgress,
  RedriveAnswer,
} from "./wire/dead-letter.js";
export type { ApiEvent, ApiQueueEvent, ApiWorkerEvent, Gap, Snapshot, Start } from "./wire/event.js";
export type { Explanation } from "./wire/explanation.js";
export type { Health, Worker, WorkerList } from "./wire/fleet.js";
export type { Limit, LimitEditBody, LimitList, LimitUsageView } from "./wire/limits.js";
export type { LogLine, LogPageView } from "./wire/log.js";
export type { Problem } from "./wire/problem.js";
export type { Queue, QueueList, QueueObliterated, TenantList } from "./wire/queue.js";
export type { Role, RoleDetail, RoleList } from "./wire/role.js";
export type {
  CancelAnswer,
  RetryAnswer,
  RunDetail,
  RunItems,
  RunPage,
  RunPending,
  RunResult,
  RunSummary,
} from "./wire/run.js";
export type { SpreadView } from "./wire/spread.js";
export type { Attempt, BlobPlace, PlanStepProgress, Step, StepDetail, StepPage } from "./wire/step.js";
export type { BulkAnswer, RunRequest, SubmitAnswer } from "./wire/submit.js";
