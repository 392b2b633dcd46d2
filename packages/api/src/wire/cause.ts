import { z } from "@hono/zod-openapi";
import type { Cause as ToldCause } from "@jobbers/runs";
import type { InIso } from "../iso-causes.js";
import { instant, runState, stepState } from "./basics.js";
import { liveness, phase, progress, stepReason } from "./step.js";

/** One reason why a run or a step is not further. */
export type Cause = InIso<ToldCause>;

/** One reason why a run or a step is not further, with what is behind it. */
export const cause: z.ZodType<Cause> = z.lazy(() => z.union(forms)).openapi("Cause");

const told = {
  sentence: z.string(),
  because: z.array(cause).optional().openapi({
    description: "What is behind it. A cause that was told before has its own only there.",
  }),
  left: z.int().optional().openapi({ description: "How many causes beside those are not listed." }),
};

/** A form of a cause: its type, what every cause tells, and its own figures. */
function form<const T extends string, S extends z.core.$ZodShape>(type: T, figures: S) {
  return z.object({ type: z.literal(type), ...told, ...figures });
}

const step = z.string();
const error = z.object({ name: z.string(), message: z.string() });
const failure = z.object({ step, error });
const work = { step: step.openapi({ description: '`""` is the run\'s own opening.' }), work: phase };
const siblings = {
  open: z.array(step).openapi({ description: "The first of its parents that have not settled." }),
  openCount: z.int(),
  parents: z.int(),
};

/** How long successful attempts of a task took lately. */
const usual = z.object({ count: z.int(), p50Ms: z.number(), p95Ms: z.number() }).openapi("Durations", {
  description: "How long successful attempts of a task took lately: half of them, and 19 of 20, no longer.",
});

const forms = [
  form("scheduled", { dueAt: instant.optional() }),
  form("running", {
    ...work,
    worker: z.string().optional(),
    since: instant.optional(),
    attempt: z.int().optional().openapi({ description: "Which try this is." }),
    attempts: z.int().optional().openapi({ description: "Of how many." }),
    leaseUntil: instant.optional().openapi({ description: "How long the worker may be silent." }),
    liveness: liveness.optional(),
    progress: progress.optional(),
    usual: usual.optional(),
    likelyEnd: instant.optional().openapi({
      description: "By when 19 of 20 would have ended; absent where nobody knows enough, or it is late.",
    }),
  }),
  form("in-line", {
    ...work,
    queue: z.string().optional().openapi({ description: "Absent for control work." }),
    priority: z.int(),
    before: z.int().openapi({ description: "How many stand before it." }),
    weighted: z.boolean().optional().openapi({
      description: "True where its priorities share what is taken: `before` is of its own priority then.",
    }),
    atLeast: z.boolean().openapi({ description: "Whether `before` is the least." }),
    depth: z.int().openapi({ description: "How many there are in the line in all." }),
    serving: z.int().openapi({ description: "How many live sessions serve the queue." }),
    able: z.int().openapi({ description: "How many of these can do what it needs." }),
  }),
  form("unserved-queue", {
    queue: z.string(),
    last: z.string().optional(),
    roles: z.array(z.string()).optional().openapi({ description: "Roles that have the queue." }),
  }),
  form("paused-queue", { queue: z.string(), by: z.string().optional(), since: instant.optional() }),
  form("role-full", {
    role: z.string(),
    concurrency: z.int().openapi({ description: "How many steps its workers may run at once." }),
    running: z.int(),
    heldBy: z
      .array(z.object({ worker: z.string(), running: z.int() }))
      .openapi({ description: "Who runs them; the first of them." }),
  }),
  form("limited", {
    step,
    limit: z.string(),
    key: z.string().openapi({ description: '`""` where all share it.' }),
    rate: z.number().optional(),
    perMs: z.number().optional(),
    burst: z.int().optional(),
    concurrency: z.int().optional(),
    used: z.int().openapi({ description: "How many attempts have its slots." }),
    holders: z
      .array(z.object({ run: z.string(), step: z.string(), worker: z.string().optional() }))
      .optional()
      .openapi({ description: "The first of them." }),
    opensAt: instant.optional().openapi({ description: "When it lets the next one start by itself." }),
    throttledUntil: instant.optional(),
  }),
  form("no-worker", {}),
  form("unknown-task", {
    needs: z.string().openapi({ description: "A task, or `dag:NAME`." }),
    queue: z.string().optional(),
    workers: z.array(z.string()),
  }),
  form("retry-due", {
    step,
    dueAt: instant.optional(),
    reason: stepReason.optional(),
    error: error.optional(),
    tries: z.int(),
    attempts: z.int().optional(),
  }),
  form("waiting-for", { step, ...siblings }),
  form("not-started", { step, ...z.object(siblings).partial().shape }),
  form("expanding", { step, laidOut: z.int(), count: z.int().optional() }),
  form("body-open", {
    step,
    kind: z.enum(["map", "dag"]),
    settled: z.int(),
    members: z.int(),
    count: z.int().optional().openapi({ description: "Of a map: how many elements it has." }),
    open: z.partialRecord(stepState, z.int()).optional(),
  }),
  form("session-lost", {
    ...work,
    worker: z.string(),
    session: z.string(),
    expiredAt: instant.optional(),
    takenBackBy: instant.optional().openapi({ description: "By when another worker gets it." }),
  }),
  form("advancing", { step: step.optional() }),
  form("cancelling", { running: z.int() }),
  form("stopping", { failure }),
  form("ended", {
    step: step.optional().openapi({ description: "Absent for the run." }),
    state: z.union([runState, stepState]),
    reason: stepReason.optional(),
    endedAt: instant.optional(),
    error: error.optional(),
    failure: failure.optional(),
  }),
  form("quarantined", {
    step,
    lost: z.int(),
    worker: z.string().optional(),
    endedAt: instant.optional(),
  }),
  form("plan-missing", { plan: z.string() }),
  form("run-unknown", {}),
  form("step-unknown", { step, known: z.array(z.string()) }),
] as const;
