import { z } from "@hono/zod-openapi";
import { instant, name } from "./basics.js";

const max = z.int().openapi({ description: "The most ready steps that it holds." });

const priority = z.enum(["strict", "weighted"]).openapi({
  description:
    "`strict`: the highest priority goes first, and others may wait for ever. `weighted`: each has twice as many starts as the next lower one.",
});

/** What both code and edits can say of a queue. */
const queuePolicy = z.object({ max: max.optional(), priority: priority.optional() }).openapi("QueuePolicy");

const editedPolicy = z
  .object({ max: z.union([max, z.literal("none")]).optional(), priority: priority.optional() })
  .openapi("EditedQueuePolicy");

/** How a queue is set, by whom and since when. */
const queueSettings = z
  .object({
    paused: z.boolean().openapi({ description: "Nothing of it is taken; what runs goes on." }),
    draining: z
      .boolean()
      .openapi({ description: "It takes no new submissions; what is in it is worked off." }),
    // What is in force.
    ...queuePolicy.shape,
    default: queuePolicy.openapi({ description: "What the code says." }),
    edit: editedPolicy.openapi({ description: "What edits say; it goes before what the code says." }),
    version: z.int().openapi({ description: "How often it was edited." }),
    editedBy: z.string().optional(),
    editedAt: instant.optional(),
  })
  .openapi("QueueSettings");

/** A queue, how much is in it, and how it is set. */
export const queue = z
  .object({
    name,
    ready: z.int(),
    running: z.int(),
    workers: z.int().openapi({ description: "How many live sessions serve it." }),
    settings: queueSettings
      .optional()
      .openapi({ description: "Absent where neither code nor an edit has said anything of it." }),
  })
  .openapi("Queue");

/** The queues and how much is in them. */
export const queueList = z.object({ queues: z.array(queue) }).openapi("QueueList");

/** A queue, how much is in it, and how it is set. */
export type Queue = z.infer<typeof queue>;
/** The queues and how much is in them. */
export type QueueList = z.infer<typeof queueList>;

const by = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .openapi({ description: "Who edits; behind the id of the token, where there is one." });

/** What pausing, resuming and draining take. */
export const queueAct = z.strictObject({ by }).openapi("QueueAct");

/** Another setting of a queue. */
export const queueEdit = z
  .strictObject({
    max: z
      .union([z.int().min(1).max(1_000_000_000), z.enum(["none", "default"])])
      .optional()
      .openapi({ description: "`none`: as many as come. `default`: what the code says." }),
    priority: z
      .enum([...priority.options, "default"])
      .optional()
      .openapi({ description: "How priorities share what is taken. `default`: what the code says." }),
    by,
  })
  .refine(({ by: _, ...policy }) => Object.keys(policy).length > 0, {
    error: "an edit says max, priority or both",
  })
  .openapi("QueueEdit");

/** Asks for the end of all that waits in a queue. */
export const queueObliteration = z
  .strictObject({
    confirm: z.string().openapi({ description: "The queue's name once more." }),
    limit: z
      .int()
      .min(1)
      .max(500)
      .optional()
      .openapi({ description: "At most so many a call; default 500." }),
    cursor: z
      .string()
      .regex(/^\d{1,16}$/)
      .optional()
      .openapi({ description: "What an earlier call answered as `next`." }),
  })
  .openapi("QueueObliteration");

/** How far an obliteration is. */
export const queueObliterated = z
  .object({
    removed: z.int(),
    next: z.string().optional().openapi({ description: "Where to go on; absent at the end." }),
  })
  .openapi("QueueObliterated");

/** How far an obliteration is. */
export type QueueObliterated = z.infer<typeof queueObliterated>;
