import { z } from "@hono/zod-openapi";
import { logPagesOf } from "@jobbers/runs";
import { json } from "../answers.js";
import type { ApiContext } from "../context.js";
import { defineRoute } from "../route.js";
import { readRun } from "../run-detail.js";
import type { Sink } from "../sse.js";
import { logLineView } from "../views.js";
import { type LogPageView, logEnd, logLevel, logLines, logPage } from "../wire/log.js";
import { EVENT_STREAM, stream } from "./events.js";
import { limit, runPath, stepParam } from "./parameters.js";

const after = z
  .string()
  .max(40)
  .optional()
  .openapi({ description: "The `next` of a page before, or the id of the last message of a stream." });

const which = {
  step: stepParam("Only lines of the step at this address."),
  level: logLevel.optional().openapi({ description: "Only lines at least so grave." }),
  after,
};

/** `GET /v1/runs/{id}/logs` */
export const readLogs = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/logs",
    operationId: "readLogs",
    tag: "runs",
    summary: "What the steps of a run have logged, oldest first",
    params: runPath,
    query: z.strictObject({ ...which, limit: limit(500, 100) }),
    answers: { 200: { description: "A page of lines.", schema: logPage } },
    problems: ["run-unknown", "cursor-invalid", "store-busy", "store-closed"],
  },
  async ({ store }, { params: { id }, query: { step: address, ...query } }) => {
    const [page] = await Promise.all([store.readLogs(id, { ...query, address }), readRun(store, id)]);
    const body: LogPageView = { ...page, lines: page.lines.map(logLineView) };
    return json(body);
  },
);

/** `GET /v1/runs/{id}/logs/stream` */
export const followLogs = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/logs/stream",
    operationId: "followLogs",
    tag: "events",
    summary: "What the steps of a run log, until it has ended, as server-sent events",
    description:
      "`lines` has lines, those that are there already first; its `id` is the place behind them. `end` comes last, when the run has ended.",
    params: runPath,
    query: z.strictObject(which),
    headers: z.object({
      "Last-Event-ID": z
        .string()
        .optional()
        .openapi({ description: "The id of the last message that was seen: it goes on from there." }),
    }),
    answers: { 200: { description: "The stream.", type: EVENT_STREAM, schema: z.union([logLines, logEnd]) } },
    problems: ["run-unknown", "store-busy", "store-closed"],
  },
  async (context, { c, params: { id }, query: { step: address, level, after: asked } }) => {
    await readRun(context.store, id);
    const last = c.req.header("last-event-id");
    const after = last !== undefined && /^\d{1,15}(?:\.\d{1,4})?$/.test(last) ? last : asked;
    return stream(context, c, (sink) => tellLog(context, id, { address, level, after }, sink));
  },
);

async function tellLog(
  { store, feed }: ApiContext,
  id: string,
  query: Pick<Parameters<typeof logPagesOf>[1], "address" | "level" | "after">,
  { write, signal }: Sink,
): Promise<void> {
  const source = { id, store, feed, read: () => readRun(store, id) };
  for await (const { lines, dropped, next } of logPagesOf(source, { ...query, follow: true, signal })) {
    const data = JSON.stringify({ type: "lines", lines: lines.map(logLineView), dropped });
    await write({ id: next, event: "lines", data });
  }
  await write({ event: "end", data: '{"type":"end"}' });
}
