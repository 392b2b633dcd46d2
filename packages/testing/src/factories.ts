import {
  canonicalJson,
  createRunIds,
  indexPlan,
  type JsonValue,
  type Plan,
  type PlanStep,
  planVersion,
  type Registration,
  type SessionOpening,
  type Submission,
  sha256Hex,
} from "@jobbers/core";
import { entryPage } from "./paging.js";

/** What a submission may be given; the rest has defaults. */
export type SubmissionParts = Partial<
  Omit<Submission, "plan" | "planText" | "entries" | "members" | "onFailure">
> & {
  /** False leaves the plan's text out, as a client does that has sent it before. */
  readonly withPlan?: boolean;
  /** How many entry steps go along; default 500. */
  readonly pageLimit?: number;
};

/**
 * Makes a submission of a plan, as `jobbers.submit` would.
 *
 * @example
 * const [result] = await store.submit([submissionOf(diamond(), { n: 1 })]);
 */
export function submissionOf(plan: Plan, input: JsonValue = null, parts: SubmissionParts = {}): Submission {
  const { withPlan = true, pageLimit, ...rest } = parts;
  const index = indexPlan(plan);
  return {
    id: rest.id ?? newRunId(),
    kind: plan.kind,
    name: plan.name,
    plan: planHash(plan),
    ...(withPlan && { planText: canonicalJson(plan as unknown as JsonValue) }),
    fingerprint: sha256Hex(canonicalJson([plan.name, input, rest.priority ?? null, [...(rest.tags ?? [])]])),
    input: JSON.stringify(input),
    priority: 5,
    failure: plan.failure,
    members: index.members(undefined).length,
    onFailure: index.onFailure(undefined) !== undefined,
    entries: entryPage(index, undefined, [], 0, pageLimit),
    ...rest,
  };
}

/** What a session may be given when a test opens it; the rest has defaults. */
export type OpeningParts = Partial<SessionOpening>;

/** Makes a session's opening: a worker that serves `serves`, on the queue "default", with a lease of 10 s. */
export function openingOf(parts: OpeningParts = {}): SessionOpening {
  return {
    worker: "tester",
    host: "test-host",
    pid: 1,
    leaseMs: 10_000,
    serves: [],
    queues: ["default"],
    registers: [],
    ...parts,
  };
}

/** Makes the registration of a plan. */
export function registrationOf(plan: Plan): Registration {
  return {
    kind: plan.kind,
    name: plan.name,
    plan: planHash(plan),
    planText: canonicalJson(plan as unknown as JsonValue),
  };
}

/** The version of a plan, under which stores keep it. */
export const planHash = (plan: Plan): string => planVersion(plan);

/** All tasks that a plan calls, and `dag:NAME` for each inlined dag that needs its code: what a session has to serve. */
export function needsOf(plan: Plan): string[] {
  const needs = plan.steps.map((step) =>
    step.kind === "task" ? step.task : step.kind === "dag" && step.parses ? `dag:${step.dag}` : "",
  );
  return [...new Set(needs.filter((need) => need !== ""))];
}

/** All queues that a plan's steps stand in. */
export function queuesOf(plan: Plan): string[] {
  return [...new Set(plan.steps.flatMap(queuesOfStep))];
}

function queuesOfStep(step: PlanStep): readonly string[] {
  if (step.kind === "task") return [step.queue];
  return step.kind === "map" && step.spread ? step.spread.queues : [];
}

/** Makes a run id of its own; ids made one after the other are in no order. */
export function newRunId(): string {
  return createRunIds(() => Date.UTC(2026, 0, 1))();
}
