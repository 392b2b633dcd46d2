import { z } from "@hono/zod-openapi";
import { instant, name } from "./basics.js";

const queue = z.object({ name, ready: z.int(), running: z.int() }).openapi("Queue");

/** The queues and how much is in them. */
export const queueList = z.object({ queues: z.array(queue) }).openapi("QueueList");

/** A queue and how much is in it. */
export type Queue = z.infer<typeof queue>;
/** The queues and how much is in them. */
export type QueueList = z.infer<typeof queueList>;

const worker = z
  .object({
    session: z.string(),
    name: z.string(),
    host: z.string(),
    pid: z.int(),
    queues: z.array(z.string()),
    serves: z
      .array(z.string())
      .openapi({ description: "Tasks, and dags as dag:NAME, that it has the code of." }),
    openedAt: instant,
    expiresAt: instant
      .optional()
      .openapi({ description: "When it counts as lost; absent where that is never." }),
    held: z.int().openapi({ description: "How many steps it has." }),
    lagMs: z
      .number()
      .optional()
      .openapi({ description: "How late its main loop was at its last renewal; absent before that." }),
    heardAt: instant.optional().openapi({
      description: "When its main loop told of its slots last; absent before that, as they are.",
    }),
    slots: z.int().optional().openapi({ description: "How many handlers may run in it at a time." }),
    running: z
      .int()
      .optional()
      .openapi({ description: "How many do, those included that were given up but have not returned." }),
    waiting: z
      .int()
      .optional()
      .openapi({
        description: "How many slots the steps take that it has taken ahead, and that had not begun.",
      }),
    free: z.int().optional().openapi({ description: "How many more may." }),
  })
  .openapi("Worker");

/** The workers that have a session. */
export const workerList = z.object({ workers: z.array(worker) }).openapi("WorkerList");

/** A worker's session. */
export type Worker = z.infer<typeof worker>;
/** The workers that have a session. */
export type WorkerList = z.infer<typeof workerList>;

/** Said by the two health checks. */
export const health = z.object({ status: z.literal("ok") }).openapi("Health");

/** Said by the two health checks. */
export type Health = z.infer<typeof health>;
