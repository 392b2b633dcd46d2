import { z } from "@hono/zod-openapi";
import { instant, json, name, runId, runState, thrown, workflowKind } from "./basics.js";
import { blobPlace, planStep } from "./step.js";

/** A run, without its input and steps. */
export const run = z
  .object({
    id: runId,
    kind: workflowKind,
    name,
    version: z.string().openapi({ description: "The hash of its plan." }),
    state: runState,
    cancelling: z.boolean().openapi({ description: "Cancelled, but something of it still runs." }),
    priority: z.int(),
    tags: z.array(z.string()),
    createdAt: instant,
    startedAt: instant.optional(),
    endedAt: instant.optional(),
    failure: z
      .object({ step: z.string(), error: thrown })
      .optional()
      .openapi({ description: "What failed first and was not rescued." }),
    traceparent: z
      .string()
      .optional()
      .openapi({ description: "The W3C trace context that it was submitted with." }),
    key: z
      .object({
        scope: z.enum(["idempotency", "singleton", "debounce", "throttle"]),
        key: z.string().openapi({ description: "Empty where one key stands for the whole dag or task." }),
        until: instant
          .optional()
          .openapi({ description: "Until when the run holds it, where that is for a time." }),
      })
      .optional()
      .openapi({ description: "The key that it was submitted with." }),
    replacedBy: runId.optional().openapi({ description: "The run that took its place before it had begun." }),
    purged: z.boolean().openapi({ description: "Only the id is remembered." }),
  })
  .openapi("Run");

/** A run, without its input and steps. */
export type RunSummary = z.infer<typeof run>;

/** A page of runs, newest first. */
export const runPage = z
  .object({
    runs: z.array(run),
    next: z.string().optional().openapi({ description: "The next page's cursor." }),
  })
  .openapi("RunPage");

/** A page of runs, newest first. */
export type RunPage = z.infer<typeof runPage>;

/** A run with its input and how its steps are doing, in the order of the plan. */
export const runDetail = z
  .object({
    ...run.shape,
    input: json.optional().openapi({ description: "Absent when the run was purged, or it cannot be read." }),
    inputPlace: blobPlace
      .optional()
      .openapi({ description: "Where it lies where it is too large for the store." }),
    steps: z.array(planStep),
  })
  .openapi("RunDetail");

/** A run with its input and how its steps are doing, in the order of the plan. */
export type RunDetail = z.infer<typeof runDetail>;

/** The output of a run that succeeded; while it goes on, `output` is absent. */
export const runResult = z
  .object({ id: runId, state: z.literal("succeeded"), output: json })
  .openapi("RunResult");

/** The output of a run that succeeded. */
export type RunResult = z.infer<typeof runResult>;

/** Some elements of the list that a run answers. */
export const runItems = z
  .object({
    id: runId,
    length: z.int().openapi({ description: "How many elements there are in all." }),
    items: z.array(json),
    next: z.int().optional().openapi({ description: "Where the next page begins; absent at the end." }),
  })
  .openapi("RunItems");

/** Some elements of the list that a run answers. */
export type RunItems = z.infer<typeof runItems>;

/** Said of a run that has not ended. */
export const runPending = z
  .object({ id: runId, state: z.enum(["scheduled", "running"]) })
  .openapi("RunPending");

/** Said of a run that has not ended. */
export type RunPending = z.infer<typeof runPending>;

/** What became of a cancel. */
export const cancelAnswer = z
  .object({ id: runId, status: z.enum(["cancelling", "cancelled", "ended"]) })
  .openapi("CancelAnswer");

/** `cancelling` while something of the run still runs; `ended` when it had ended otherwise before. */
export type CancelAnswer = z.infer<typeof cancelAnswer>;

/** What a retry takes. */
export const retryRequest = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .max(2_000)
      .optional()
      .openapi({
        description:
          "`failed`, the default: whatever failed. Or a step that failed: of the failures only that one runs again, or with a name of the plan all " +
          "under it. Or a step that succeeded: it runs again, and all that depends on it.",
        example: "fetch[3]",
      }),
    fence: z.int().min(0).optional().openapi({
      description:
        "The step's `fence`, as it was read: where that has grown since, the retry was done before, and is not done again.",
    }),
  })
  .openapi("RetryRequest");

/** What became of a retry. */
export const retryAnswer = z
  .object({ id: runId, status: z.enum(["retried", "running", "succeeded"]) })
  .openapi("RetryAnswer");

/** `running` when the run had not ended, `succeeded` when it had ended so: then there was nothing to retry. */
export type RetryAnswer = z.infer<typeof retryAnswer>;
