import { z } from "@hono/zod-openapi";
import { instant } from "./basics.js";

const amount = z.number().positive();
const count = z.int().positive();

/** How much a limit lets through. */
const setting = z
  .union([
    z.strictObject({ rate: amount, perMs: amount, burst: count }),
    z.strictObject({ concurrency: count }),
  ])
  .openapi("LimitSetting", {
    description: "At most `rate` starts per `perMs`, `burst` of them at once; or so many attempts at once.",
  });

const limitName = z.string().min(1).max(600);

export const limit = z
  .object({
    name: limitName,
    default: setting.optional().openapi({ description: "What the newest code says." }),
    edit: z
      .union([setting, z.literal("off")])
      .optional()
      .openapi({ description: "What goes before that." }),
    isKeyed: z.boolean().openapi({ description: "Whether it depends on a step's input." }),
  })
  .openapi("Limit");

/** A limit and what it is set to. */
export type Limit = z.infer<typeof limit>;

export const limitList = z.object({ limits: z.array(limit) }).openapi("LimitList");

/** All limits, by name. */
export type LimitList = z.infer<typeof limitList>;

export const limitEdit = z
  .strictObject({
    limit: limitName.openapi({
      description: "Its name: one that code has given, `TASK/rate`, `@QUEUE/concurrency`, `TASK@QUEUE/rate`.",
    }),
    set: z.union([setting, z.enum(["off", "default"])]),
  })
  .openapi("LimitEdit");

/** What a limit is to be set to. */
export type LimitEditBody = z.infer<typeof limitEdit>;

export const limitEdited = z.object({ limit: limit.optional() }).openapi("LimitEdited");

export const limitUsage = z
  .object({
    limit: z.string(),
    key: z.string(),
    at: instant,
    setting: setting.optional().openapi({ description: "Absent where it is off." }),
    used: z.int().openapi({ description: "How many attempts have its slots." }),
    holders: z
      .array(
        z.object({ run: z.string(), step: z.string(), session: z.string(), worker: z.string().optional() }),
      )
      .openapi({ description: "The first of them." }),
    opensAt: instant.optional().openapi({ description: "When it lets the next start through by itself." }),
    throttledUntil: instant.optional(),
    share: z
      .number()
      .optional()
      .openapi({ description: "Which part of the rate is let through since it was throttled." }),
    parked: z.int().openapi({ description: "How many lines wait for it." }),
  })
  .openapi("LimitUsage");

/** How one key of a limit stands. */
export type LimitUsageView = z.infer<typeof limitUsage>;
