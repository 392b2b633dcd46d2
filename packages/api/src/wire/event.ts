import { z } from "@hono/zod-openapi";
import { queueEventTypes, runEventTypes, workerEventTypes } from "@jobbers/core";
import { instant, json, runId } from "./basics.js";
import { runDetail } from "./run.js";

/** One event of a run: the `data` of an SSE message whose `event` is its type and whose `id` is its place in the feed. */
export const runEvent = z
  .object({
    type: z.enum(runEventTypes).openapi("EventType"),
    run: runId,
    at: instant,
    step: z.string().optional().openapi({ description: "The address of the step that it is about." }),
    detail: json.optional(),
  })
  .openapi("Event");

/** One event of a run. */
export type ApiEvent = z.infer<typeof runEvent>;

const count = z.number().int();

/** One event of a worker: what it found when it started, and recovered. */
export const workerEvent = z
  .object({
    type: z.enum(workerEventTypes),
    worker: z.string().openapi({ description: "Its name." }),
    at: instant,
    detail: z.object({
      session: z.string(),
      lostSessions: count.openapi({ description: "Sessions that were found lost." }),
      returned: count.openapi({ description: "Steps of theirs that were given to others." }),
      quarantined: count.openapi({ description: "Steps of theirs that were quarantined." }),
      overdue: count.openapi({ description: "Overdue timers that were fired." }),
      waiting: count.openapi({ description: "Ready steps in its queues." }),
    }),
  })
  .openapi("WorkerEvent");

/** One event of a worker. */
export type ApiWorkerEvent = z.infer<typeof workerEvent>;

/** One event of a queue: that it has had ready steps and no worker for a while, and that this is over. */
export const queueEvent = z
  .object({
    type: z.enum(queueEventTypes),
    queue: z.string().openapi({ description: "Its name." }),
    at: instant,
    detail: z.object({
      ready: count.openapi({ description: "Its ready steps." }),
      workers: count.openapi({ description: "How many live sessions serve it." }),
      forMs: count.openapi({ description: "For how long it has had ready steps and no worker." }),
    }),
  })
  .openapi("QueueEvent");

/** One event of a queue. */
export type ApiQueueEvent = z.infer<typeof queueEvent>;

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
