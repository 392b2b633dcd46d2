import { z } from "@hono/zod-openapi";
import { durationMs, isEnded, type RunRecord } from "@jobbers/core";
import { readResult, untilEnded } from "@jobbers/runs";
import { json } from "../answers.js";
import type { ApiContext } from "../context.js";
import { defineRoute } from "../route.js";
import { readRun } from "../run-detail.js";
import { type RunPending, type RunResult, runPending, runResult } from "../wire/run.js";
import { runPath } from "./parameters.js";

const wait = z
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

/** `GET /v1/runs/{id}/result` */
export const getResult = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/result",
    operationId: "getResult",
    tag: "runs",
    summary: "The output of a run, waited for where it is asked to",
    params: runPath,
    query: z.strictObject({ wait }),
    answers: {
      200: { description: "The run succeeded.", schema: runResult },
      202: { description: "It has not ended, also after the wait.", schema: runPending },
    },
    problems: ["run-unknown", "run-failed", "run-cancelled", "store-busy", "store-closed"],
  },
  async (context, { c, params: { id }, query }) => {
    const waitMs = Math.min(query.wait ?? 0, context.limits.waitMs);
    const first = await readRun(context.store, id);
    const record =
      isEnded(first.state) || waitMs === 0
        ? first
        : await waitForEnd(context, first, waitMs, c.req.raw.signal);
    if (!isEnded(record.state)) {
      const pending: RunPending = { id, state: record.state };
      return json(pending, 202);
    }
    const output = await readResult(context.store, context.plans, record);
    const result: RunResult = { id, state: "succeeded", output };
    return json(result);
  },
);

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
