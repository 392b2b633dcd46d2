import type { StepAddress } from "../plan/address.js";
import type { JsonValue } from "../plan/plan.js";
import type { StepState } from "./states.js";

/**
 * What the feed tells of runs.
 *
 * `steps` sums up what one exchange did to the steps of one run: small tasks would drown the feed otherwise. Of a step whose task asks for
 * it (`events: "each"`), its starts and its end are told one by one as well. `step.logged` says how many lines of a step have come, not
 * which: they are read with `readLogs`. `run.retried` says that a run goes on after its end, because
 * somebody retried it by hand.
 */
export const runEventTypes = [
  ...(["run.created", "run.ended", "run.retried"] as const),
  ...(["steps", "step.started", "step.progress", "step.retry", "step.lost", "step.quarantined"] as const),
  ...(["step.logged", "step.dead-lettered"] as const),
  ...(["step.succeeded", "step.failed", "step.skipped", "step.cancelled"] as const),
] as const;

/** What the feed tells of workers. */
export const workerEventTypes = ["worker.started"] as const;

/** What the feed tells of queues: see `watchQueues`. */
export const queueEventTypes = ["queue.orphaned", "queue.served"] as const;

/** All that the feed tells. */
export const eventTypes = [...runEventTypes, ...workerEventTypes, ...queueEventTypes] as const;

/** A type of events. */
export type EventType = (typeof eventTypes)[number];

/** One line of the feed. The feed is a hint, the record is the truth. */
export type EventRecord = RunEventRecord | WorkerEventRecord | QueueEventRecord;

interface EventHead {
  readonly cursor: number;
  readonly atMs: number;
}

/** Something that happened to a run. */
export interface RunEventRecord extends EventHead {
  readonly type: (typeof runEventTypes)[number];
  readonly run: string;
  readonly step?: StepAddress | undefined;
  readonly detail?: JsonValue | undefined;
}

/** Something that happened to a worker. */
export interface WorkerEventRecord extends EventHead {
  readonly type: (typeof workerEventTypes)[number];
  /** Its name. */
  readonly worker: string;
  readonly detail: WorkerStart;
}

/** What a worker found when it started, and recovered. */
export interface WorkerStart {
  readonly session: string;
  /** Sessions that were found lost: of its own name, or whose processes on its host were gone, or that had expired. */
  readonly lostSessions: number;
  /** Steps of theirs that were given to others, and those that were quarantined instead. */
  readonly returned: number;
  readonly quarantined: number;
  /** Timers that were overdue, and have been fired. */
  readonly overdue: number;
  /** Ready steps in its queues. */
  readonly waiting: number;
}

/** Something that happened to a queue. */
export interface QueueEventRecord extends EventHead {
  readonly type: (typeof queueEventTypes)[number];
  /** Its name. */
  readonly queue: string;
  readonly detail: OrphanFigures;
}

/** How it is with a queue that has, or had, ready steps and nobody who serves it. */
export interface OrphanFigures {
  /** Its ready steps by now. */
  readonly ready: number;
  /** The open sessions that serve it by now; where it is 0 in `queue.served`, nothing waits there any more. */
  readonly workers: number;
  /** For how long it has had ready steps and no worker, in milliseconds, as far as looks have seen. */
  readonly forMs: number;
}

/** True for what happened to a run. */
export function isRunEvent(event: EventRecord): event is RunEventRecord {
  return (runEventTypes as readonly string[]).includes(event.type);
}

/** True for what happened to a queue. */
export function isQueueEvent(event: EventRecord): event is QueueEventRecord {
  return (queueEventTypes as readonly string[]).includes(event.type);
}

/** What is told of a step that is told of one by one, when it comes to a state; undefined where that is no news. */
export function stepEventOf(state: StepState): RunEventRecord["type"] | undefined {
  switch (state) {
    case "running":
      return "step.started";
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return `step.${state}`;
    default:
      return undefined;
  }
}
