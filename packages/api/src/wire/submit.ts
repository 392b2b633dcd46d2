import { z } from "@hono/zod-openapi";
import { duration, instant, json, name, runId, runState, tag } from "./basics.js";
import { problem } from "./problem.js";

const key = z
  .string()
  .min(1)
  .max(512)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: with halves of characters, it is what a key cannot have
  .regex(/^[^\u0000\ud800-\udfff]*$/u);
const keyMode = z
  .enum(["return-existing", "reject", "replace-waiting"])
  .optional()
  .openapi({ description: "What becomes of a run whose key another run holds. Default: return-existing." });

/** What makes one run of several submissions. */
const keys = {
  idempotencyKey: z
    .union([key, z.strictObject({ key, ttl: duration.optional(), mode: keyMode })])
    .optional()
    .openapi({
      description:
        "One run of all submissions with this key, for 24h unless ttl says otherwise. At most one of the four keys is given.",
    }),
  singleton: z
    .union([z.literal(true), z.strictObject({ key: key.optional(), mode: keyMode })])
    .optional()
    .openapi({
      description: "At most one run with this key is unfinished; without a key, one run of this dag or task.",
    }),
  debounce: z
    .strictObject({ key: key.optional(), wait: duration, max: duration.optional() })
    .optional()
    .openapi({
      description:
        "The last submission wins: the run starts when no other came for `wait`, at the latest `max` after the first. Excludes delay and runAt.",
    }),
  throttle: z
    .strictObject({ key: key.optional(), per: duration })
    .optional()
    .openapi({ description: "The first submission in a period wins; the others are answered with its run." }),
};

/** The body of `POST /v1/runs`, and a line of `POST /v1/runs/bulk`. */
export const runRequest = z
  .strictObject({
    id: runId.optional().openapi({
      description: "Chosen by who submits: sent again with the same content, it answers the same run.",
    }),
    dag: name.optional().openapi({ description: "The dag to run. Exactly one of dag and task is given." }),
    task: name.optional().openapi({ description: "The task to run." }),
    input: json.optional().openapi({ description: "Default: {}." }),
    priority: z.int().min(0).max(9).optional().openapi({ description: "Higher first. Default: 5." }),
    delay: duration.optional().openapi({ description: "The run waits so long before it starts." }),
    runAt: instant.optional().openapi({
      description:
        "The run starts then; excludes delay. Neither more than a minute past nor more than ten years off, by the store's clock.",
    }),
    tags: z.array(tag).max(32).optional(),
    keep: duration
      .optional()
      .openapi({ description: "How long the run is kept after its end; 0 keeps only its id." }),
    deadline: duration.optional().openapi({
      description:
        "How long after its submission the run has to be over, else it fails with DeadlineExceeded. Longer than 0, and than delay.",
    }),
    durability: z.enum(["local", "replica"]).optional().openapi({
      description: "With replica, the answer waits until a replica of the Redis has the run. Default: local.",
    }),
    ...keys,
  })
  .openapi("RunRequest");

/** What a run is submitted with. */
export type RunRequest = z.infer<typeof runRequest>;

/** What became of a submission. */
export const submitAnswer = z
  .object({
    id: runId.openapi({ description: "Another than was sent where that run holds the key." }),
    status: z.enum(["created", "existing"]),
    state: runState,
  })
  .openapi("SubmitAnswer");

/** What became of a submission. */
export type SubmitAnswer = z.infer<typeof submitAnswer>;

/** What became of one line of a bulk submission. */
export const bulkAnswer = z
  .union([
    z.object({
      line: z.int().openapi({ description: "The number of the line, from 1." }),
      ...submitAnswer.shape,
    }),
    z.object({
      line: z.int(),
      id: runId.optional(),
      status: z.literal("refused"),
      error: problem,
    }),
  ])
  .openapi("BulkAnswer");

/** What became of one line of a bulk submission; told in the order of the lines. */
export type BulkAnswer = z.infer<typeof bulkAnswer>;
