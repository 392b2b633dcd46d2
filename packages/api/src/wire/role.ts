import { z } from "@hono/zod-openapi";
import { instant, name } from "./basics.js";

const weights = z
  .record(z.string(), z.number())
  .openapi({ description: "Queues, each with its weight.", example: { crawl: 3, mail: 1 } });

const atOnce = z
  .int()
  .optional()
  .openapi({ description: "How many steps its workers together may run at once; absent: any number." });

/** A role: which queues its workers serve. */
export const role = z
  .object({
    name,
    queues: weights,
    concurrency: atOnce,
    running: z.int().openapi({ description: "How many steps its workers run." }),
    holders: z
      .array(z.object({ session: z.string(), worker: z.string(), running: z.int() }))
      .openapi({ description: "Who runs them, those first that run most; the first of them." }),
    version: z.int().openapi({ description: "How often it was edited." }),
    editedBy: z.string(),
    editedAt: instant,
    workers: z.int().openapi({ description: "How many live sessions have it." }),
  })
  .openapi("Role");

const roleVersion = z
  .object({
    version: z.int(),
    queues: weights.optional().openapi({ description: "Absent where the role was deleted." }),
    concurrency: atOnce,
    by: z.string(),
    at: instant,
  })
  .openapi("RoleVersion");

/** A role with its newest edits. */
export const roleDetail = z.object({ ...role.shape, versions: z.array(roleVersion) }).openapi("RoleDetail");

/** The roles. */
export const roleList = z.object({ roles: z.array(role) }).openapi("RoleList");

/** What makes or edits a role. */
export const roleEdit = z
  .strictObject({
    queues: weights.optional().openapi({ description: "Left out: as they are." }),
    concurrency: z
      .union([z.int().min(1).max(1_000_000), z.literal("none")])
      .optional()
      .openapi({ description: "How many steps its workers together may run at once. Left out: as it is." }),
    by: z.string().min(1).max(200).optional().openapi({ description: "Who edits." }),
  })
  .openapi("RoleEdit");

/** A role: which queues its workers serve. */
export type Role = z.infer<typeof role>;
/** A role with its newest edits. */
export type RoleDetail = z.infer<typeof roleDetail>;
/** The roles. */
export type RoleList = z.infer<typeof roleList>;
