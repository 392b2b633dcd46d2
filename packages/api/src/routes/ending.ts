import { z } from "@hono/zod-openapi";
import { durationMs, isEnded, type RunRecord } from "@jobbers/core";
import { untilEnded } from "@jobbers/runs";
import type { ApiContext } from "../context.js";
import { readRun } from "../run-detail.js";

/** How long a request may wait for the end of a run. */
export const wait = z
  .string()
  .transform((text, issues) => {
    try {
      return durationMs(/^\d+$/.test(text) ? Number(text) : text, "wait");
    } catch {
      issues.addIssue({ code: "custom", message: 'it takes milliseconds, or text like "30s"' });
      return z.NEVER;
    }
  })
  .optional()
  .openapi({ type: "string", description: "How long to wait for the end, at most 60s.", example: "30s" });

/** A run's record, read again until the run has ended or so many milliseconds are over, at most as many as the API allows. */
export async function readEnding(
  context: ApiContext,
  id: string,
  waitMs: number | undefined,
  gone: AbortSignal,
): Promise<RunRecord> {
  const first = await readRun(context.store, id);
  const mostMs = Math.min(waitMs ?? 0, context.limits.waitMs);
  return isEnded(first.state) || mostMs === 0 ? first : waitForEnd(context, first, mostMs, gone);
}

/** Waits until the run has ended, the time is over, the client has gone or the API is closed; answers the last that is known. */
async function waitForEnd(
  { store, feed, closing }: ApiContext,
  first: RunRecord,
  waitMs: number,
  gone: AbortSignal,
): Promise<RunRecord> {
  let last = first;
  const read = async () => {
    last = await readRun(store, first.id);
    return last;
  };
  // Not AbortSignal.any over AbortSignal.timeout: on Node 20 the timeout is lost with the next garbage collection.
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, waitMs);
  for (const signal of [gone, closing]) {
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  }
  try {
    return await untilEnded({ id: first.id, feed, read }, ending.signal);
  } catch (error) {
    if (ending.signal.aborted) return last;
    throw error;
  } finally {
    clearTimeout(timer);
    for (const signal of [gone, closing]) signal.removeEventListener("abort", end);
  }
}
