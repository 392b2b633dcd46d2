import { z } from "@hono/zod-openapi";
import { eventTypes, isEnded } from "@jobbers/core";
import { hasMore } from "@jobbers/runs";
import type { Context } from "hono";
import { tellAll } from "../all-events.js";
import { empty } from "../answers.js";
import type { ApiContext } from "../context.js";
import { defineRoute } from "../route.js";
import { readRun } from "../run-detail.js";
import { tellRun } from "../run-events.js";
import { eventStream, lastEventId, type Sink } from "../sse.js";
import { name, runId } from "../wire/basics.js";
import { gap, queueEvent, runEvent, snapshot, start, workerEvent } from "../wire/event.js";
import { runPath, wordsParam } from "./parameters.js";

export const EVENT_STREAM = "text/event-stream";
const headers = z.object({
  "Last-Event-ID": z
    .string()
    .optional()
    .openapi({ description: "The id of the last event that was seen: it goes on from there." }),
});

/** `GET /v1/runs/{id}/events` */
export const runEvents = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/events",
    operationId: "runEvents",
    tag: "events",
    summary: "What happens to a run, as server-sent events",
    description:
      "Begins with a `snapshot` of the run and ends after `run.ended`. Each event has its type as `event`, its place in the feed " +
      "as `id`, and JSON as `data`. When events were missed for good, a `gap` and a new `snapshot` follow.",
    params: runPath,
    headers,
    answers: {
      200: { description: "The stream.", type: EVENT_STREAM, schema: z.union([snapshot, runEvent, gap]) },
      204: { description: "The run has ended, and the client has seen it." },
    },
    problems: ["run-unknown", "store-busy", "store-closed"],
  },
  async (context, { c, params: { id } }) => {
    const { store } = context;
    const record = await readRun(store, id);
    // A snapshot tells as much as was missed, whatever the client takes for a place.
    const place = lastEventId(c.req.header("last-event-id"));
    const after = Number.isNaN(place) ? undefined : place;
    if (after !== undefined && isEnded(record.state) && !(await hasMore(store, id, after))) return empty(204);
    return stream(context, c, (sink) => tellRun(context, id, after, sink));
  },
);

/** `GET /v1/events` */
export const allEvents = defineRoute(
  {
    method: "get",
    path: "/v1/events",
    operationId: "allEvents",
    tag: "events",
    summary: "What happens to all runs and workers from now on, as server-sent events",
    description:
      "Begins with `start`, which has the place in the feed from which on events are told; after a `gap` some are missing.",
    query: z.strictObject({
      run: runId.optional(),
      dag: name.optional().openapi({ description: "Only runs of this dag or task." }),
      type: wordsParam(eventTypes, "Only events of these types."),
    }),
    headers,
    answers: {
      200: {
        description: "The stream.",
        type: EVENT_STREAM,
        schema: z.union([start, runEvent, workerEvent, queueEvent, gap]),
      },
    },
    problems: ["store-busy", "store-closed"],
  },
  (context, { c, query: { run, dag, type } }) => {
    const after = lastEventId(c.req.header("last-event-id"));
    return stream(context, c, (sink) => tellAll(context, { run, dag, types: type }, after, sink));
  },
);

/** Answers with what a source writes. */
export function stream(context: ApiContext, c: Context, source: (sink: Sink) => Promise<void>): Response {
  // The body of an answer to HEAD is thrown away unread: a stream would never hear that nobody listens.
  if (c.req.raw.method === "HEAD") return empty(200, { "content-type": EVENT_STREAM });
  const { outgoing } = (c.env ?? {}) as { outgoing?: { destroy?: () => void } };
  return eventStream(context.limits, context.closing, () => outgoing?.destroy?.(), source);
}
