import { z } from "@hono/zod-openapi";
import { eventTypes } from "@jobbers/core";
import { instant, json, runId } from "./basics.js";
import { runDetail } from "./run.js";

/** One event of a run: the `data` of an SSE message whose `event` is its type and whose `id` is its place in the feed. */
export const runEvent = z
  .object({
    type: z.enum(eventTypes).openapi("EventType"),
    run: runId,
    at: instant,
    step: z.string().optional().openapi({ description: "The address of the step that it is about." }),
    detail: json.optional(),
  })
  .openapi("Event");

/** One event of a run. */
export type ApiEvent = z.infer<typeof runEvent>;

/** The data of a `gap`: events were missed, so read again what you keep. */
export const gap = z.object({ type: z.literal("gap") }).openapi("Gap");

/** Events were missed, so read again what you keep. */
export type Gap = z.infer<typeof gap>;

/** The data of a `snapshot`: the run as `GET /v1/runs/{id}` has it. */
export const snapshot = z.object({ type: z.literal("snapshot"), run: runDetail }).openapi("Snapshot");

/** The run as it is now; what a run's stream begins with. */
export type Snapshot = z.infer<typeof snapshot>;

/** The data of a `start`: the first message of a stream of all events, whose id is the place where it begins. */
export const start = z.object({ type: z.literal("start") }).openapi("Start");

/** The first message of a stream of all events. */
export type Start = z.infer<typeof start>;
