import type { RunRequest } from "@jobbers/api";
import type { SubmitOptions as LibraryOptions, Workflow } from "@jobbers/core";
import { checkSendable } from "./json-check.js";
import type { CallOptions } from "./run-types.js";

/** How a run is submitted; every part may be left out. The server keeps the trace context that a request's header brings. */
export type SubmitOptions = Omit<LibraryOptions, "traceparent">;

/** One run of many: its input, and options of its own. */
export interface SubmitItem<I = unknown> extends SubmitOptions {
  readonly input: I;
}

/** What `submit` takes behind the workflow; an input may be left out where it has no property that must be there. */
export type SubmitArgs<I> = 0 extends 1 & I
  ? [input: I, options?: SubmitOptions & CallOptions]
  : Record<never, never> extends I
    ? [input?: I, options?: SubmitOptions & CallOptions]
    : [input: I, options?: SubmitOptions & CallOptions];

/** What is submitted: a dag or a task, by its name. */
export type Target = Pick<Workflow, "kind" | "name">;

/**
 * Writes the request for one run. What cannot be right is left to the server to refuse, but for what would not come to it.
 *
 * @throws JobbersHttpError `not-json` naming the place; RangeError for a `runAt` that is no moment
 */
export function requestOf({ kind, name }: Target, id: string, item: SubmitItem): RunRequest {
  const { input, priority, delay, runAt, tags, keep, deadline, durability } = item;
  const { idempotencyKey, singleton, debounce, throttle } = item;
  const request = {
    id,
    ...(kind === "dag" ? { dag: name } : { task: name }),
    ...(input !== undefined && { input }),
    ...(priority !== undefined && { priority }),
    ...(delay !== undefined && { delay }),
    ...(runAt !== undefined && { runAt: instantOf(runAt) }),
    ...(tags !== undefined && { tags: [...tags] }),
    ...(keep !== undefined && { keep }),
    ...(deadline !== undefined && { deadline }),
    ...(durability !== undefined && { durability }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(singleton !== undefined && { singleton }),
    ...(debounce !== undefined && { debounce }),
    ...(throttle !== undefined && { throttle }),
  };
  checkSendable(request);
  return request;
}

function instantOf(moment: number | Date): string {
  const date = new Date(moment);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new RangeError("runAt is no moment; it takes a Date or milliseconds since 1970");
}
