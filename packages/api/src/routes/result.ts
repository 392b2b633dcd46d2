import { z } from "@hono/zod-openapi";
import { isEnded } from "@jobbers/core";
import { readResult } from "@jobbers/runs";
import { json } from "../answers.js";
import { defineRoute } from "../route.js";
import { type RunPending, type RunResult, runPending, runResult } from "../wire/run.js";
import { readEnding, wait } from "./ending.js";
import { runPath } from "./parameters.js";

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
    problems: [
      ...(["run-unknown", "run-failed", "run-cancelled", "value-too-large"] as const),
      ...(["blob-missing", "blob-altered", "blob-unreachable", "store-busy", "store-closed"] as const),
    ],
  },
  async (context, { c, params: { id }, query }) => {
    const record = await readEnding(context, id, query.wait, c.req.raw.signal);
    if (!isEnded(record.state)) {
      const pending: RunPending = { id, state: record.state };
      return json(pending, 202);
    }
    const output = await readResult(context.store, context.plans, record);
    const result: RunResult = { id, state: "succeeded", output };
    return json(result);
  },
);
