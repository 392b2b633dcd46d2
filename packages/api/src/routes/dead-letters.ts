import { z } from "@hono/zod-openapi";
import { type DeadLetterFilter, JobbersError, quoted } from "@jobbers/core";
import { type LetterPage, purgeLetters, readDeadLetter, redriveLetters, redriveStep } from "@jobbers/runs";
import type { Context } from "hono";
import { empty, json } from "../answers.js";
import type { ApiContext } from "../context.js";
import { parseFields, readFields } from "../fields.js";
import { instantMs } from "../instants.js";
import { defineRoute } from "../route.js";
import { attemptView, deadLetterView } from "../views.js";
import { name, runId } from "../wire/basics.js";
import {
  type DeadLetterCounts,
  type DeadLetterDetail,
  type DeadLetterPage,
  type DeadLetterProgress,
  deadLetterCounts,
  deadLetterDetail,
  deadLetterPage,
  deadLetterProgress,
  deadLetterRange,
  type RedriveAnswer,
  redriveAnswer,
  redriveRequest,
} from "../wire/dead-letter.js";
import { stepReason } from "../wire/step.js";
import { cursor, instantParam, limit, stepAddress } from "./parameters.js";

const letterPath = z.object({
  run: runId.openapi({ param: { name: "run", in: "path" } }),
  address: stepAddress,
});

/** How many letters a bulk call sees. */
const USUAL = 200;

/** `GET /v1/dead-letters` */
export const listDeadLetters = defineRoute(
  {
    method: "get",
    path: "/v1/dead-letters",
    operationId: "listDeadLetters",
    tag: "dead letters",
    summary: "Steps that failed for good, newest first",
    description: "With a filter that few fit, a page may be short, or empty, and still have a `next`.",
    query: z.strictObject({
      workflow: name.optional(),
      task: name.optional(),
      queue: name.optional(),
      reason: stepReason.optional(),
      run: runId.optional(),
      after: instantParam("Dead since then."),
      before: instantParam("Dead before then."),
      limit: limit(200, 50),
      cursor,
    }),
    answers: { 200: { description: "A page of dead letters.", schema: deadLetterPage } },
    problems: ["cursor-invalid", "store-busy", "store-closed"],
  },
  async ({ store }, { query: { after, before, ...rest } }) => {
    const page = await store.listDeadLetters({ ...rest, diedAfterMs: after, diedBeforeMs: before });
    const body: DeadLetterPage = { letters: page.letters.map(deadLetterView), next: page.next };
    return json(body);
  },
);

/** `GET /v1/dead-letters/counts` */
export const countDeadLetters = defineRoute(
  {
    method: "get",
    path: "/v1/dead-letters/counts",
    operationId: "countDeadLetters",
    tag: "dead letters",
    summary: "How many dead letters each task has",
    answers: { 200: { description: "By task; those without are left out.", schema: deadLetterCounts } },
    problems: ["store-busy", "store-closed"],
  },
  async ({ store }) => {
    const body: DeadLetterCounts = { tasks: await store.countDeadLetters() };
    return json(body);
  },
);

/** `GET /v1/dead-letters/{run}/{address}` */
export const getDeadLetter = defineRoute(
  {
    method: "get",
    path: "/v1/dead-letters/{run}/{address}",
    found: "/v1/dead-letters/:run/:address{.+}",
    operationId: "getDeadLetter",
    tag: "dead letters",
    summary: "One dead letter with its attempts and its input",
    params: letterPath,
    answers: { 200: { description: "The dead letter.", schema: deadLetterDetail } },
    problems: ["dead-letter-unknown", "store-busy", "store-closed"],
  },
  async (context, { params: { run, address } }) => {
    const letter = await readDeadLetter(context, run, address);
    if (!letter) throw unknownLetter(run, address);
    const { attempts, input, ...rest } = letter;
    const body: DeadLetterDetail = { ...deadLetterView(rest), attempts: attempts.map(attemptView), input };
    return json(body);
  },
);

/** `POST /v1/dead-letters/{run}/{address}/redrive` */
export const redriveDeadLetter = defineRoute(
  {
    method: "post",
    path: "/v1/dead-letters/{run}/{address}/redrive",
    found: "/v1/dead-letters/:run/:address{.+}/redrive",
    operationId: "redriveDeadLetter",
    tag: "dead letters",
    summary: "Have one step that failed run again",
    description:
      "Then runs what depends on it; all else of its run is kept, other failures too. Without a body the step has its old input. May be repeated.",
    params: letterPath,
    body: { type: "application/json", schema: redriveRequest, optional: true },
    answers: {
      202: { description: "`retried`: the run goes on.", schema: redriveAnswer },
      200: {
        description:
          "`running`: the run has not ended, so nothing was changed; `succeeded`: it has, all the same.",
        schema: redriveAnswer,
      },
    },
    problems: [
      ...(["run-unknown", "step-unknown", "step-not-retryable", "input-invalid", "value-too-large"] as const),
      ...(["store-busy", "store-unwritable", "store-closed"] as const),
    ],
  },
  async (context, { c, params: { run, address } }) => {
    const { input } = await readFields(c, context.limits, redriveRequest, "a redrive");
    const status = await redriveStep(context, { run, step: address }, { input });
    const body: RedriveAnswer = { run, step: address, status };
    return json(body, status === "retried" ? 202 : 200);
  },
);

/** `DELETE /v1/dead-letters/{run}/{address}` */
export const purgeDeadLetter = defineRoute(
  {
    method: "delete",
    path: "/v1/dead-letters/{run}/{address}",
    found: "/v1/dead-letters/:run/:address{.+}",
    operationId: "purgeDeadLetter",
    tag: "dead letters",
    summary: "Forget a dead letter",
    description: "Its step and its run stay as they are. May be repeated.",
    params: letterPath,
    answers: { 204: { description: "It is gone, if it was there." } },
    problems: ["store-busy", "store-unwritable", "store-closed"],
  },
  async ({ store }, { params: { run, address } }) => {
    await store.purgeDeadLetters([{ run, step: address }]);
    return empty(204);
  },
);

/** `POST /v1/dead-letters/redrive` */
export const redriveDeadLetters = defineRoute(
  {
    method: "post",
    path: "/v1/dead-letters/redrive",
    operationId: "redriveDeadLetters",
    tag: "dead letters",
    summary: "Redrive the dead letters that a filter fits, a page a call",
    description:
      "Each run goes on once, with all its dead letters that fit; runs that have not ended are left alone.",
    body: { type: "application/json", schema: deadLetterRange },
    answers: { 200: { description: "How far it is.", schema: deadLetterProgress } },
    problems: ["cursor-invalid", "store-busy", "store-unwritable", "store-closed"],
  },
  (context, { c }) => answerPage(context, c, redriveLetters),
);

/** `POST /v1/dead-letters/purge` */
export const purgeDeadLetters = defineRoute(
  {
    method: "post",
    path: "/v1/dead-letters/purge",
    operationId: "purgeDeadLetters",
    tag: "dead letters",
    summary: "Forget the dead letters that a filter fits, a page a call",
    body: { type: "application/json", schema: deadLetterRange },
    answers: { 200: { description: "How far it is.", schema: deadLetterProgress } },
    problems: ["cursor-invalid", "store-busy", "store-unwritable", "store-closed"],
  },
  (context, { c }) => answerPage(context, c, purgeLetters),
);

type DoPage = (
  store: ApiContext["store"],
  filter: DeadLetterFilter,
  query: { readonly limit: number; readonly cursor?: string | undefined },
) => Promise<LetterPage>;

async function answerPage({ store, limits }: ApiContext, c: Context, doPage: DoPage): Promise<Response> {
  const fields = await readFields(c, limits, deadLetterRange, "a call about many dead letters");
  const { after, before, limit = USUAL, cursor, ...rest } = fields;
  const span = parseFields(spanOf, { after, before }, "a call about many dead letters");
  const filter = { ...rest, diedAfterMs: span.after, diedBeforeMs: span.before };
  const { seen, done, runs, next } = await doPage(store, filter, { limit, cursor });
  const body: DeadLetterProgress = { seen, done, runs: runs.length, next };
  return json(body);
}

const moment = z
  .string()
  .refine((text) => instantMs(text) !== undefined, 'it takes an instant like "2026-11-21T16:06:00Z"')
  .transform((text) => instantMs(text) as number)
  .optional();

const spanOf = z.object({ after: moment, before: moment });

function unknownLetter(run: string, step: string): JobbersError {
  return new JobbersError(
    "dead-letter-unknown",
    `there is no dead letter of step ${quoted(step)} of run ${run}`,
  );
}
