import { JobbersError } from "@jobbers/core";
import { retryFrom } from "@jobbers/runs";
import { json } from "../answers.js";
import { readFields } from "../fields.js";
import { defineRoute } from "../route.js";
import { type CancelAnswer, cancelAnswer, type RetryAnswer, retryAnswer, retryRequest } from "../wire/run.js";
import { runPath } from "./parameters.js";

/** `POST /v1/runs/{id}/cancel` */
export const cancelRun = defineRoute(
  {
    method: "post",
    path: "/v1/runs/{id}/cancel",
    operationId: "cancelRun",
    tag: "runs",
    summary: "Ask a run to end",
    description: "Takes no body. May be repeated.",
    params: runPath,
    answers: {
      202: { description: "`cancelling`: it ends when nothing of it runs any more.", schema: cancelAnswer },
      200: {
        description: "`cancelled`: it has ended so; `ended`: it had ended otherwise.",
        schema: cancelAnswer,
      },
    },
    problems: ["run-unknown", "store-busy", "store-unwritable", "store-closed"],
  },
  async ({ store }, { params: { id } }) => {
    const { status } = await store.cancel(id);
    if (status === "unknown") throw new JobbersError("run-unknown", `there is no run ${id}`);
    const body: CancelAnswer = { id, status };
    return json(body, status === "cancelling" ? 202 : 200);
  },
);

/** `POST /v1/runs/{id}/retry` */
export const retryRun = defineRoute(
  {
    method: "post",
    path: "/v1/runs/{id}/retry",
    operationId: "retryRun",
    tag: "runs",
    summary: "Have an ended run go on",
    description:
      "What failed or was cancelled runs again, then what depends on it; all other results are kept. With the name of a step that succeeded, that " +
      "step runs again and all that depends on it, also in a run that succeeded. The body may be left out. May be repeated; once the run has ended again, only with a fence.",
    params: runPath,
    body: { type: "application/json", schema: retryRequest, optional: true },
    answers: {
      202: { description: "`retried`: it goes on.", schema: retryAnswer },
      200: { description: "`running` or `succeeded`: there was nothing to retry.", schema: retryAnswer },
    },
    problems: [
      ...(["run-unknown", "key-taken", "step-unknown", "step-not-retryable", "plan-missing"] as const),
      ...(["store-busy", "store-unwritable", "store-closed"] as const),
    ],
  },
  async ({ store, plans, limits }, { c, params: { id } }) => {
    const options = await readFields(c, limits, retryRequest, "a retry");
    const status = await retryFrom({ store, plans }, id, options);
    const body: RetryAnswer = { id, status };
    return json(body, status === "retried" ? 202 : 200);
  },
);
