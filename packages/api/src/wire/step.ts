import { z } from "@hono/zod-openapi";
import { instant, json, name, stepState, thrown } from "./basics.js";
import { spread } from "./spread.js";

/** Why a step or an attempt ended as it did, or waits. */
export const stepReason = z
  .enum([
    ...([
      "error",
      "timeout",
      "frozen",
      "lost",
      "quarantined",
      "expired",
      "obliterated",
      "invalid-input",
    ] as const),
    ...([
      "invalid-output",
      "stopped",
      "parent",
      "condition",
      "body",
      "cancelled",
      "released",
      "rerun",
    ] as const),
  ])
  .openapi("StepReason");

/** What a worker is to do with a step: run its task, or control work. */
export const phase = z.enum(["run", "admit", "expand", "enter", "advance"]).openapi("Phase");

/** How a running step is. */
export const liveness = z.enum(["running", "slow", "blocked-loop", "frozen", "lost"]).openapi("Liveness", {
  description:
    "`slow`: it runs for longer than 19 of 20 successes of its task lately; `blocked-loop`: its worker's main loop is late; `frozen`: it " +
    "was silent for longer than its task's `heartbeat`; `lost`: its worker is gone.",
});

/** How far a running step is, as its handler said last. */
export const progress = z
  .object({
    at: z.string().optional().openapi({ description: "What it is at, for people.", example: "parsing" }),
    done: z.number().optional(),
    total: z.number().optional(),
    detail: json.optional(),
    cut: z.literal(true).optional().openapi({ description: "Something of it was too large to be kept." }),
    since: instant.openapi({ description: "Since when `at` has been what it is." }),
    heardAt: instant.openapi({ description: "When it gave a sign of life last." }),
  })
  .openapi("Progress");

/** How far a running step is. */
export type StepProgressView = z.infer<typeof progress>;

const stepKind = z.enum(["task", "map", "dag"]).openapi("StepKind");

/** Where a value lies that is too large for the store. */
export const blobPlace = z
  .object({
    url: z
      .string()
      .openapi({ description: "Where it was written to.", example: "file:///mnt/jobs/01KA…/render.5f…" }),
    bytes: z.int(),
    sha256: z.string(),
    trouble: z
      .string()
      .optional()
      .openapi({ description: "Why it cannot be read: then the value is absent." }),
  })
  .openapi("BlobPlace");

/** Where a value lies that is too large for the store. */
export type BlobPlace = z.infer<typeof blobPlace>;

/** The record of one step of one run. */
export const step = z
  .object({
    address: z.string().openapi({ example: "fetch[3]" }),
    name: z.string().openapi({ description: "The name in the plan: the address without indices." }),
    kind: stepKind,
    state: stepState,
    reason: stepReason.optional(),
    phase,
    queue: z.string(),
    inlined: z.boolean().optional().openapi({
      description: "True when it began past its queue, straight after its only parent: it was never ready.",
    }),
    fence: z.int().openapi({ description: "How often it was taken or retried by hand." }),
    tries: z.int().openapi({ description: "Tries spent on failures." }),
    lost: z.int().openapi({ description: "Attempts that were lost with their worker." }),
    edited: z
      .boolean()
      .optional()
      .openapi({ description: "True where a redrive has given it another input than its wiring says." }),
    worker: z.string().optional().openapi({ description: "Who has it, or had it last." }),
    session: z.string().optional().openapi({ description: "The session that holds it." }),
    liveness: liveness.optional().openapi({ description: "How it is, while it runs." }),
    progress: progress
      .optional()
      .openapi({ description: "How far it is: only while it runs, and when its handler has said so." }),
    readyAt: instant.optional(),
    startedAt: instant.optional(),
    endedAt: instant.optional(),
    dueAt: instant.optional(),
    error: thrown.optional().openapi({ description: "The last error." }),
    members: z
      .int()
      .optional()
      .openapi({ description: "Of a map or inlined dag: how many steps its body has." }),
    settled: z.int().optional().openapi({ description: "How many of them have settled." }),
    count: z.int().optional().openapi({ description: "Of a map: how many instances there are." }),
  })
  .openapi("Step");

/** The record of one step of one run. */
export type Step = z.infer<typeof step>;

/** A page of a run's steps; those that were not touched yet have no record. */
export const stepPage = z
  .object({
    steps: z.array(step),
    next: z.string().optional().openapi({ description: "The next page's cursor." }),
  })
  .openapi("StepPage");

/** A page of a run's steps. */
export type StepPage = z.infer<typeof stepPage>;

/** A try that did not succeed. */
export const attempt = z
  .object({
    fence: z.int(),
    reason: stepReason,
    worker: z.string().optional(),
    startedAt: instant,
    endedAt: instant,
    error: thrown.optional(),
  })
  .openapi("Attempt");

/** A try that did not succeed. */
export type Attempt = z.infer<typeof attempt>;

/** One step with its attempts and output. */
export const stepDetail = z
  .object({
    ...step.shape,
    attempts: z
      .array(attempt)
      .openapi({ description: "Tries that did not succeed, oldest first, at most 100." }),
    output: json.optional().openapi({
      description: "What a task returned, or an inlined dag answers; absent before, and for maps.",
    }),
    spread: spread.optional().openapi({
      description: "Of a map with a spread: how its children were laid over queues, once some were.",
    }),
    outputPlace: blobPlace
      .optional()
      .openapi({ description: "Where a task's output lies that is too large for the store." }),
  })
  .openapi("StepDetail");

/** One step with its attempts and output. */
export type StepDetail = z.infer<typeof stepDetail>;

/** How the steps of one name in the plan are doing. */
export const planStep = z
  .object({
    name: z.string(),
    kind: stepKind,
    task: name.optional().openapi({ description: "Of a task step: the task that it calls." }),
    dag: name.optional().openapi({ description: "Of a dag step: the dag that it inlines." }),
    queue: z.string().optional(),
    in: z.string().optional().openapi({ description: "The map or inlined dag whose body it is in." }),
    parents: z.array(z.string()).openapi({ description: "The steps that it waits for." }),
    trigger: z.enum(["all_success", "none_failed", "one_failed", "all_done"]),
    conditional: z.boolean().openapi({ description: "Whether it has a condition of its own." }),
    depth: z.int().openapi({ description: "How many maps it is in." }),
    total: z
      .int()
      .optional()
      .openapi({ description: "How many there will be; absent while that is not known." }),
    settled: z.int(),
    counts: z.partialRecord(stepState, z.int()).openapi({
      description: "How many are in each state; those that were not touched yet are not counted.",
    }),
    spread: spread.optional().openapi({
      description:
        "Of a map with a spread, outside of maps: how its children were laid over queues, once some were.",
    }),
    state: stepState.optional().openapi({ description: "Outside of maps: where the step is." }),
    record: step.optional().openapi({ description: "Outside of maps: its record, once it was touched." }),
    outputPlace: blobPlace.optional().openapi({
      description: "Outside of maps: where a task's output lies that is too large for the store.",
    }),
  })
  .openapi("PlanStep");

/** How the steps of one name in the plan are doing. */
export type PlanStepProgress = z.infer<typeof planStep>;
