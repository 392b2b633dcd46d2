import { z } from "@hono/zod-openapi";
import { instant, json, name, runId, thrown } from "./basics.js";
import { attempt, stepReason } from "./step.js";

/** A task step that failed for good. */
export const deadLetter = z
  .object({
    run: runId,
    step: z.string().openapi({ description: "The address of the step.", example: "fetch[3]" }),
    workflow: z.string().openapi({ description: "The name of the run's dag or task." }),
    version: z.string().openapi({ description: "The hash of the run's plan." }),
    task: z.string(),
    queue: z.string(),
    reason: stepReason,
    error: thrown.optional().openapi({ description: "The last error." }),
    tries: z.int().openapi({ description: "Tries spent on failures." }),
    lost: z.int().openapi({ description: "Attempts that were lost with their worker." }),
    diedAt: instant,
    edited: z
      .boolean()
      .openapi({ description: "A redrive has given it another input than its wiring says." }),
  })
  .openapi("DeadLetter");

/** A task step that failed for good. */
export type DeadLetter = z.infer<typeof deadLetter>;

/** A page of dead letters, newest first. */
export const deadLetterPage = z
  .object({
    letters: z.array(deadLetter),
    next: z.string().optional().openapi({ description: "The next page's cursor." }),
  })
  .openapi("DeadLetterPage");

/** A page of dead letters. */
export type DeadLetterPage = z.infer<typeof deadLetterPage>;

/** One dead letter with its attempts and its input. */
export const deadLetterDetail = z
  .object({
    ...deadLetter.shape,
    attempts: z
      .array(attempt)
      .openapi({ description: "Tries that did not succeed, oldest first, at most 100." }),
    input: json
      .optional()
      .openapi({ description: "What the step is given; absent where that has more than 1 MiB." }),
  })
  .openapi("DeadLetterDetail");

/** One dead letter with its attempts and its input. */
export type DeadLetterDetail = z.infer<typeof deadLetterDetail>;

/** How many dead letters each task has. */
export const deadLetterCounts = z
  .object({ tasks: z.array(z.object({ task: z.string(), letters: z.int() })) })
  .openapi("DeadLetterCounts");

/** How many dead letters each task has. */
export type DeadLetterCounts = z.infer<typeof deadLetterCounts>;

/** What a redrive of one step takes. */
export const redriveRequest = z
  .strictObject({
    input: json.optional().openapi({
      description:
        "Another input for the step, for this attempt and all later ones; it has to fit the task's schema.",
    }),
  })
  .openapi("RedriveRequest");

/** What became of a redrive. */
export const redriveAnswer = z
  .object({ run: runId, step: z.string(), status: z.enum(["retried", "running", "succeeded"]) })
  .openapi("RedriveAnswer");

/** `retried`: the run goes on; `running`: it has not ended, so nothing was changed. */
export type RedriveAnswer = z.infer<typeof redriveAnswer>;

/** Which dead letters a bulk call is about: all that is given has to be so. */
export const deadLetterRange = z
  .strictObject({
    workflow: name.optional(),
    task: name.optional(),
    queue: name.optional(),
    reason: stepReason.optional(),
    run: runId.optional(),
    after: instant.optional().openapi({ description: "Dead since then." }),
    before: instant.optional().openapi({ description: "Dead before then." }),
    limit: z
      .int()
      .min(1)
      .max(500)
      .optional()
      .openapi({ description: "How many one call sees; default 200." }),
    cursor: z.string().min(1).max(400).optional().openapi({ description: "The last answer's `next`." }),
  })
  .openapi("DeadLetterRange");

/** How far a bulk call is; call again with `cursor: next` until there is none. */
export const deadLetterProgress = z
  .object({
    seen: z.int().openapi({ description: "Dead letters that this call saw." }),
    done: z.int().openapi({ description: "Those that it did something about." }),
    runs: z
      .int()
      .openapi({ description: "Of a redrive: runs that go on, each with all its dead letters that fit." }),
    next: z.string().optional(),
  })
  .openapi("DeadLetterProgress");

/** How far a bulk call is. */
export type DeadLetterProgress = z.infer<typeof deadLetterProgress>;
