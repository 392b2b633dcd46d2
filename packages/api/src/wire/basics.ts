import { z } from "@hono/zod-openapi";

/** A run's id: 26 upper-case characters of Crockford's base 32. */
export const runId = z
  .string()
  .regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "it takes a ULID, 26 upper-case characters")
  .openapi("RunId", { description: "A ULID.", example: "01ARZ3NDEKTSV4RRFFQ69G5FAV" });

/** A name of a dag, a task or a queue. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, "it takes 1 to 128 of A-Z a-z 0-9 . _ -")
  .refine((text) => text !== "__proto__", "__proto__ is reserved by JavaScript")
  .openapi("Name", { example: "crawl" });

/** A label of runs. */
export const tag = z
  .string()
  .min(1)
  .max(128)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the one character that a tag cannot have
  .regex(/^[^\u0000]*$/, "no tag has U+0000 in it");

/** An instant, as ISO 8601 text in UTC. */
export const instant = z
  .string()
  .openapi("Instant", { format: "date-time", example: "2026-11-21T16:06:00.000Z" });

/** A length of time. */
export const duration = z
  .union([z.number().min(0), z.string().regex(/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/)])
  .openapi("Duration", { description: 'Milliseconds, or text like "250ms", "1s", "1.5m", "2h", "7d".' });

/** Any JSON value. */
export const json = z.unknown().openapi("Json", { description: "Any JSON value." });

/** Where a run is. */
export const runState = z
  .enum(["scheduled", "running", "succeeded", "failed", "cancelled"])
  .openapi("RunState");

/** Where a step is. */
export const stepState = z
  .enum([
    ...(["blocked", "ready", "limited", "running", "waiting", "expanding", "suspended"] as const),
    ...(["succeeded", "failed", "cancelled", "skipped"] as const),
  ])
  .openapi("StepState");

/** What can be submitted. */
export const workflowKind = z.enum(["dag", "task"]).openapi("WorkflowKind");

/** Why something failed: what was thrown, as plain JSON. */
export const thrown = z
  .looseObject({
    name: z.string(),
    message: z.string(),
    stack: z.string().optional(),
    cause: json.optional(),
  })
  .openapi("Thrown");

/** A thrown error, as the API tells of it. */
export type Thrown = z.infer<typeof thrown>;
