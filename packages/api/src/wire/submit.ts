import { z } from "@hono/zod-openapi";
import { duration, instant, json, name, runId, runState, tag } from "./basics.js";
import { problem } from "./problem.js";

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
    runAt: instant.optional().openapi({ description: "The run starts then; excludes delay." }),
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
  })
  .openapi("RunRequest");

/** What a run is submitted with. */
export type RunRequest = z.infer<typeof runRequest>;

/** What became of a submission. */
export const submitAnswer = z
  .object({
    id: runId,
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
