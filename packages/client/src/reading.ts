import type {
  ApiEvent,
  ApiQueueEvent,
  ApiWorkerEvent,
  PlanStepProgress,
  RunSummary,
  Step,
  StepDetail,
} from "@jobbers/api";
import type { RunKey } from "@jobbers/core";
import { inMs } from "./instants.js";
import type {
  DetailedStep,
  FeedEvent,
  RunEvent,
  RunStatus,
  StepInMs,
  StepProgress,
  StepRecord,
} from "./run-types.js";
import type { SseMessage } from "./sse.js";

/** Reads a run of the API as the record that it is in the library. */
export function statusIn({ version, key, ...run }: RunSummary): RunStatus {
  return { ...inMs(run), plan: version, ...(key && { key: keyIn(key) }) };
}

function keyIn({ scope, key, until }: NonNullable<RunSummary["key"]>): RunKey {
  return { scope, key, ...(until !== undefined && { untilMs: Date.parse(until) }) };
}

/** Reads a step of the API as the record that it is in the library. */
export function stepIn(run: string, { error, ...step }: Step): StepRecord {
  return { run, ...stepInMs(step), ...(error !== undefined && { error: JSON.stringify(error) }) };
}

/** Reads a step with all that there is to know of it. */
export function detailIn({ attempts, ...step }: StepDetail): DetailedStep {
  return { ...stepInMs(step), attempts: attempts.map(inMs) };
}

/** Reads how far the steps of one name are. */
export function progressIn({ record, ...step }: PlanStepProgress): StepProgress {
  return { ...step, ...(record && { record: stepInMs(record) }) };
}

function stepInMs<S extends Step>({ progress, ...step }: S): StepInMs<S> {
  if (!progress) return inMs(step) as StepInMs<S>;
  const { since, heardAt, ...rest } = progress;
  const read = { ...rest, sinceMs: Date.parse(since), heardAtMs: Date.parse(heardAt) };
  return { ...inMs(step), progress: read } as unknown as StepInMs<S>;
}

/** Reads a message of a stream of events; undefined for what is none, as a snapshot. */
export function eventIn({ event, data }: SseMessage): FeedEvent | undefined {
  if (event === "gap") return { type: "gap" };
  if (event === "snapshot") return undefined;
  const value = JSON.parse(data) as {
    readonly run?: unknown;
    readonly worker?: unknown;
    readonly queue?: unknown;
  };
  const isTold = [value.run, value.worker, value.queue].some((name) => typeof name === "string");
  return isTold ? (inMs(value as ApiEvent | ApiWorkerEvent | ApiQueueEvent) as FeedEvent) : undefined;
}

/** An event of a run's stream as one of its run. */
export function ofRun(event: FeedEvent): RunEvent | undefined {
  if (event.type === "gap") return event;
  if (!("run" in event)) return undefined;
  const { run: _run, ...rest } = event;
  return rest;
}
