import { z } from "@hono/zod-openapi";
import { json, jsonText } from "../answers.js";
import type { ApiContext } from "../context.js";
import { readJsonBody } from "../doors/body.js";
import { keyInHeader } from "../doors/key-header.js";
import { traceparentOf } from "../doors/traceparent.js";
import { problemTold, refusalOf, refuse } from "../problem.js";
import { defineRoute } from "../route.js";
import { readRun, readRunDetail } from "../run-detail.js";
import { type CheckedRequest, readRunRequest } from "../run-request.js";
import { runView } from "../views.js";
import { name, runState, tag } from "../wire/basics.js";
import { type RunPage, runDetail, runPage } from "../wire/run.js";
import { runRequest, type SubmitAnswer, submitAnswer } from "../wire/submit.js";
import { cursor, instantParam, limit, runPath } from "./parameters.js";

const submitHeaders = z.object({
  "Idempotency-Key": z.string().optional().openapi({
    description:
      'The same as `idempotencyKey` in the body: a text in double quotes, or as it is ("8e03978e-40d5", order-17).',
  }),
  traceparent: z.string().optional().openapi({ description: "W3C trace context, kept with the run." }),
});

/** `POST /v1/runs` */
export const submitRun = defineRoute(
  {
    method: "post",
    path: "/v1/runs",
    operationId: "submitRun",
    tag: "runs",
    summary: "Submit a run of a dag or task",
    description: "Choose the id before you send: then sending again after a lost answer is harmless.",
    headers: submitHeaders,
    body: { type: "application/json", schema: runRequest },
    answers: {
      201: {
        description: "The run is in the store.",
        schema: submitAnswer,
        headers: {
          Location: { description: "Where the run is, relative to this path.", schema: { type: "string" } },
        },
      },
      200: {
        description:
          "The same run was submitted before, or another run holds the key: then its id is in the answer.",
        schema: submitAnswer,
      },
    },
    problems: [
      ...([
        "workflow-unknown",
        "run-conflict",
        "key-conflict",
        "key-taken",
        "run-at-invalid",
        "queue-full",
        "queue-draining",
        "input-invalid",
        "flag-invalid",
        "value-too-large",
      ] as const),
      ...(["not-replicated", "store-busy", "store-unwritable", "store-closed"] as const),
    ],
  },
  async (context, { c }) => {
    const key = keyInHeader(c.req.header("idempotency-key"));
    const body = await readJsonBody(c, context.limits);
    const trace = traceparentOf(c.req.header("traceparent"));
    const request = readRunRequest(body, "the body is not what POST /v1/runs takes", trace, key);
    return submit(context, request);
  },
);

async function submit(context: ApiContext, request: CheckedRequest): Promise<Response> {
  const { kind, name, item } = request;
  const found = context.registrations.find(kind, name);
  const registered = found instanceof Promise ? await found : found;
  const [first, ...rest] = registered.check(item.input);
  if (first) throw refusalOf("input-invalid", `the input does not fit ${kind} "${name}"`, [first, ...rest]);
  const answer = await context.submits.submit(registered.workflow, item);
  if (answer.status === "refused") return refuse(problemTold(context, answer.error, answer.id));
  const { id, status, state } = answer;
  const body: SubmitAnswer = { id, status, state };
  return status === "created" ? json(body, 201, { location: `runs/${id}` }) : json(body);
}

/** `GET /v1/runs` */
export const listRuns = defineRoute(
  {
    method: "get",
    path: "/v1/runs",
    operationId: "listRuns",
    tag: "runs",
    summary: "List runs, newest first",
    description: "With a filter that few runs fit, a page may be short, or empty, and still have a `next`.",
    query: z.strictObject({
      state: runState.optional(),
      dag: name.optional(),
      task: name.optional(),
      tag: tag.optional(),
      after: instantParam("Submitted then or later."),
      before: instantParam("Submitted before then."),
      limit: limit(200, 50),
      cursor,
    }),
    answers: { 200: { description: "A page of runs.", schema: runPage } },
    problems: ["cursor-invalid", "store-busy", "store-closed"],
  },
  async ({ store }, { query }) => {
    const { state, dag, task, after: createdAfterMs, before: createdBeforeMs, limit, cursor } = query;
    if (dag !== undefined && task !== undefined)
      throw refusalOf("query-invalid", "the query of /v1/runs", [
        { pointer: "/task", detail: "stands beside dag; give one of them" },
      ]);
    const filter = { state, name: dag ?? task, tag: query.tag, createdAfterMs, createdBeforeMs };
    const page = await store.listRuns({ ...filter, limit, cursor });
    const kind = dag !== undefined ? "dag" : task !== undefined ? "task" : undefined;
    const runs = kind === undefined ? page.runs : page.runs.filter((run) => run.kind === kind);
    const body: RunPage = { runs: runs.map(runView), next: page.next };
    return json(body);
  },
);

/** `GET /v1/runs/{id}` */
export const getRun = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}",
    operationId: "getRun",
    tag: "runs",
    summary: "A run with its input and its steps in the order of the plan",
    params: runPath,
    answers: { 200: { description: "The run.", schema: runDetail } },
    problems: ["run-unknown", "store-busy", "store-closed"],
  },
  async ({ store, plans }, { params }) => {
    return jsonText(await readRunDetail(store, plans, await readRun(store, params.id)));
  },
);
