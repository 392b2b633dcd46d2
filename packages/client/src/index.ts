/**
 * The HTTP client of Jobbers, for Node.js and browsers.
 *
 * @module
 */

export type { Limit } from "@jobbers/api";
export {
  type ClientOptions,
  createClient,
  type EventFilter,
  type JobbersClient,
  type LimitEdit,
  type LimitUsage,
  type SubmittedItem,
  type Workflows,
} from "./client.js";
export type {
  DeadLetter,
  DeadLetterDetail,
  DeadLetterFilter,
  DeadLetterRef,
  DeadLettersClient,
} from "./dead-letters.js";
export { JobbersHttpError, type Pointer, RunCancelled, RunFailed } from "./errors.js";
export type { Cause, Explanation } from "./explanation.js";
export type { InMs } from "./instants.js";
export type { RunFilter } from "./lists.js";
export type { Editor, Queue, QueueClient } from "./queues.js";
export type { Role, RoleDetail, RoleEdit, RolesClient } from "./roles.js";
export type {
  CallOptions,
  ClientRun,
  DetailedStep,
  FeedEvent,
  LogOptions,
  LogRecord,
  RunEvent,
  RunStatus,
  StepProgress,
  StepRecord,
} from "./run-types.js";
export { serverUrl } from "./server-url.js";
export type { SubmitArgs, SubmitItem, SubmitOptions } from "./submit.js";
export type { Fetch } from "./transport.js";
