import {
  type AttemptRecord,
  type DeadLetterRecord,
  type EventRecord,
  isQueueEvent,
  isRunEvent,
  type Liveness,
  type LogRecord,
  type PlanStep,
  type ProgressRecord,
  type RunKey,
  type RunRecord,
  type SpreadSummary,
  type StepRecord,
  type WorkerRecord,
} from "@jobbers/core";
import { iso, isoMaybe } from "./instants.js";
import type { Thrown } from "./wire/basics.js";
import type { DeadLetter } from "./wire/dead-letter.js";
import type { ApiEvent, ApiQueueEvent, ApiWorkerEvent } from "./wire/event.js";
import type { Worker } from "./wire/fleet.js";
import type { LogLine } from "./wire/log.js";
import type { RunSummary } from "./wire/run.js";
import type { SpreadView } from "./wire/spread.js";
import type { Attempt, PlanStepProgress, Step, StepProgressView } from "./wire/step.js";

/** A run's record as the API shows it. */
export function runView(record: RunRecord): RunSummary {
  const { id, kind, name, plan, state, cancelling, priority, tags, failure, traceparent, purged } = record;
  return {
    ...{ id, kind, name, version: plan, state, cancelling, priority },
    tags: [...tags],
    createdAt: iso(record.createdAtMs),
    startedAt: isoMaybe(record.startedAtMs),
    endedAt: isoMaybe(record.endedAtMs),
    failure: failure === undefined ? undefined : (JSON.parse(failure) as RunSummary["failure"]),
    traceparent,
    key: record.key && keyView(record.key),
    replacedBy: record.replacedBy,
    purged,
  };
}

function keyView({ scope, key, untilMs }: RunKey): RunSummary["key"] {
  return { scope, key, until: isoMaybe(untilMs) };
}

/** A step's record as the API shows it, with how it is where it runs. */
export function stepView(record: StepRecord, liveness?: Liveness): Step {
  const { run: _run, progress, readyAtMs, startedAtMs, endedAtMs, dueAtMs, error, ...rest } = record;
  return {
    ...rest,
    liveness,
    progress: progress && progressView(progress),
    readyAt: isoMaybe(readyAtMs),
    startedAt: isoMaybe(startedAtMs),
    endedAt: isoMaybe(endedAtMs),
    dueAt: isoMaybe(dueAtMs),
    error: thrownOf(error),
  };
}

function progressView({ sinceMs, heardAtMs, ...rest }: ProgressRecord): StepProgressView {
  return { ...rest, since: iso(sinceMs), heardAt: iso(heardAtMs) };
}

/** A worker's session as the API shows it. */
export function workerView(record: WorkerRecord): Worker {
  const { session, worker, host, pid, queues, serves, openedAtMs, expiresAtMs, heardAtMs, ...rest } = record;
  const { held, lagMs, slots, running, waiting, free } = rest;
  return {
    ...{ session, name: worker, host, pid, held, lagMs, slots, running, waiting, free },
    queues: [...queues],
    serves: [...serves],
    openedAt: iso(openedAtMs),
    expiresAt: isoMaybe(expiresAtMs),
    heardAt: isoMaybe(heardAtMs),
  };
}

/** A line of a log, as the API shows it. */
export function logLineView({ atMs, ...line }: LogRecord): LogLine {
  return { ...line, at: iso(atMs) };
}

/** A try that did not succeed, as the API shows it. */
export function attemptView({ startedAtMs, endedAtMs, error, ...rest }: AttemptRecord): Attempt {
  return { ...rest, startedAt: iso(startedAtMs), endedAt: iso(endedAtMs), error: thrownOf(error) };
}

/** A dead letter as the API shows it. */
export function deadLetterView({ diedAtMs, error, ...rest }: DeadLetterRecord): DeadLetter {
  return { ...rest, error: thrownOf(error), diedAt: iso(diedAtMs) };
}

/** What the plan says of a step, as the API shows it. */
export function planView(step: PlanStep): Omit<PlanStepProgress, "depth" | "settled" | "counts"> {
  return {
    name: step.name,
    kind: step.kind,
    ...(step.kind === "task" && { task: step.task, queue: step.queue }),
    ...(step.kind === "dag" && { dag: step.dag }),
    ...(step.in !== undefined && { in: step.in }),
    parents: [...step.parents],
    trigger: step.trigger,
    conditional: step.when !== undefined,
  };
}

/** How a map was spread, as the API tells it. */
export function spreadView({ queues, ...spread }: SpreadSummary): SpreadView {
  return { ...spread, queues: [...queues] };
}

/** An event of the feed as the API tells it. */
export function eventView(event: EventRecord): ApiEvent | ApiWorkerEvent | ApiQueueEvent {
  const at = iso(event.atMs);
  if (isQueueEvent(event)) return { type: event.type, queue: event.queue, at, detail: event.detail };
  if (!isRunEvent(event)) return { type: event.type, worker: event.worker, at, detail: event.detail };
  const { type, run, step, detail } = event;
  return { type, run, at, step, detail };
}

function thrownOf(text: string | undefined): Thrown | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Thrown);
}
