/**
 * Submitting, reading and following runs over any store: what the front door and the HTTP API have in common.
 *
 * @module
 */
export { type AllEventsDeps, allEventsOf, type FeedEvent } from "./all-events.js";
export { type Bell, createBell } from "./bell.js";
export {
  createDeadLetters,
  type DeadLetterDeps,
  type DeadLetterDetail,
  type DeadLetters,
  readDeadLetter,
} from "./dead-letters.js";
export { createEventFilter, type EventFilter } from "./event-filter.js";
export type * from "./explain/cause.js";
export { type ExplainDeps, explain } from "./explain/explain.js";
export type { ExplainStore } from "./explain/look.js";
export { createFeed, type Feed, type FeedListener, type Subscription } from "./feed.js";
export { type Following, follow, hasMore } from "./follow.js";
export { createInputCheck, type InputCheck, type Refused } from "./input-check.js";
export { createPlans, type Plans } from "./plans.js";
export { createQueueHandle, type QueueHandle } from "./queues.js";
export {
  InputRefused,
  type LetterPage,
  type LetterPageQuery,
  purgeLetters,
  type RedriveOptions,
  type Restarted,
  redriveLetters,
  redriveStep,
} from "./redrive.js";
export { findRegistered } from "./registered.js";
export { retryFrom } from "./retry-from.js";
export { createRoles, type Roles } from "./roles.js";
export { createRun, type RunDeps } from "./run.js";
export { type LivenessStore, readLiveness } from "./run-liveness.js";
export { type LogReading, type LogSource, logPagesOf } from "./run-logs.js";
export { readProgress } from "./run-progress.js";
export { readItems, readResult, statusOf, valuesOf } from "./run-result.js";
export { readSpread } from "./run-spreads.js";
export type { LogOptions, Run, RunEvent, RunFailure, RunStatus, StepProgress } from "./run-types.js";
export { eventsOf, untilEnded, type Watched } from "./run-watch.js";
export { planTextOf } from "./submission.js";
export { type KeyOption, keyOptions, readKeyOption } from "./submit-keys.js";
export { createSubmitter, type SubmitItem, type Submitted, type Submitter } from "./submitter.js";
