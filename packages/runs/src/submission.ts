import {
  type AnyTask,
  canonicalJson,
  type EncodedJson,
  encodeJson,
  encodeWhole,
  entriesOf,
  type FairKey,
  type FairQueues,
  fairKeyOf,
  fingerprintOf,
  hasKeyedLimits,
  indexPlan,
  JobbersError,
  type JsonValue,
  type LimitUse,
  limitUsesOf,
  MAX_VALUE_BYTES,
  type Plan,
  parseSoon,
  quoted,
  type Submission,
  type SubmitOptions,
  showBytes,
  type Workflow,
} from "@jobbers/core";
import type { RegisteredWorkflow } from "./registered.js";
import {
  type CheckedOptions,
  checkSubmitOptions,
  DEFAULT_PRIORITY,
  joinTags,
  NO_OPTIONS,
} from "./submit-options.js";

/** What every submission of a workflow has in common; made once for many. */
export type SubmissionHead = Pick<
  Submission,
  "kind" | "name" | "plan" | "failure" | "members" | "onFailure" | "entries" | "needs"
> & {
  readonly tags: readonly string[];
  readonly keepMs: number | undefined;
  readonly deadlineMs: number | undefined;
  /** What messages call an input. */
  readonly what: string;
  /** How the content of which a fingerprint is taken goes on behind the input: up to the options, and with none. */
  readonly contentEnd: string;
  readonly bareEnd: string;
  /** True where the input says which limits the run's one step stands under. */
  readonly saysLimits: boolean;
  /** What says whose turn that step takes. */
  readonly fair: FairKey | undefined;
};

/** Reads what the store has to know of a workflow's plan. */
export function headOf(workflow: Workflow, queues?: FairQueues): SubmissionHead {
  const index = indexPlan(workflow.plan);
  const task = workflow.kind === "task" && "limits" in workflow ? (workflow as AnyTask) : undefined;
  const fair = task && fairKeyOf(task, task.queue, queues);
  const contentEnd = `,"name":${JSON.stringify(workflow.name)},"options":`;
  const { keepMs, isUnparsed = false } = workflow as Partial<RegisteredWorkflow>;
  return {
    kind: workflow.kind,
    name: workflow.name,
    plan: workflow.version,
    failure: workflow.plan.failure,
    members: index.members(undefined).length,
    onFailure: index.onFailure(undefined) !== undefined,
    // Where a worker has to parse the input, no step goes along.
    entries: isUnparsed ? { items: [], next: 0 } : entriesOf(index, undefined, []),
    needs: isUnparsed ? `dag:${workflow.name}` : undefined,
    tags: joinTags(workflow.tags),
    keepMs,
    deadlineMs: workflow.plan.deadlineMs,
    what: `input of ${workflow.kind} ${quoted(workflow.name)}`,
    contentEnd,
    bareEnd: `${contentEnd}{}}`,
    saysLimits: task !== undefined && hasKeyedLimits(task, fair),
    fair,
  };
}

/** A plan as the store keeps it. */
export function planTextOf(plan: Plan): string {
  return canonicalJson(plan as unknown as JsonValue);
}

/**
 * Makes one submission: checks options, input and schema, and takes the fingerprint by which the store tells a repetition
 * from a conflict.
 *
 * The fingerprint is over what the caller said (name, raw input, options) and not over the plan: a resend after a deploy is
 * still the same run.
 *
 * @param id the run's id, which the caller has checked or made
 * @throws JobbersError `flag-invalid`, `id-invalid`, `not-json`, `value-too-large`, `input-invalid`
 */
export function createSubmission(
  workflow: Workflow,
  head: SubmissionHead,
  input: unknown,
  options: SubmitOptions,
  id: string,
): Submission | Promise<Submission> {
  const given = checkSubmitOptions(options);
  const { what } = head;
  const raw = encodeWhole(input === undefined ? {} : input, what);
  // Thousands may be made at a time, so that nobody waits who need not.
  const parsed = parseSoon(workflow.input, raw.value, what);
  return parsed instanceof Promise
    ? parsed.then((value) => submissionOf(workflow, head, given, raw, value, id, options.traceparent))
    : submissionOf(workflow, head, given, raw, parsed, id, options.traceparent);
}

function submissionOf(
  workflow: Workflow,
  head: SubmissionHead,
  given: CheckedOptions,
  raw: EncodedJson,
  parsed: unknown,
  id: string,
  traceparent: string | undefined,
): Submission {
  const { what } = head;
  // As canonical JSON has it: { input, name, options }.
  const options =
    given === NO_OPTIONS ? head.bareEnd : `${head.contentEnd}${canonicalJson(given as JsonValue)}}`;
  const content = `{"input":${raw.canonical}${options}`;
  // Written out, not spread: spreading into a literal with other properties makes a slow object, 9 µs a run.
  return {
    kind: head.kind,
    name: head.name,
    plan: head.plan,
    failure: head.failure,
    members: head.members,
    onFailure: head.onFailure,
    entries: head.entries,
    needs: head.needs,
    id,
    fingerprint: fingerprintOf(content),
    // A dag's input is parsed once, here, by who has its code; a task's is parsed for each attempt, so it stays as it came.
    input: withinLimit(head.kind === "dag" ? encodeJson(parsed, `parsed ${what}`) : raw.text, what),
    priority: given.priority ?? DEFAULT_PRIORITY,
    delayMs: given.delayMs,
    runAtMs: given.runAtMs,
    tags: given.tags ? joinTags(head.tags, given.tags) : head.tags,
    keepMs: given.keepMs ?? head.keepMs,
    deadlineMs: given.deadlineMs ?? head.deadlineMs,
    deadlineFrom: given.deadlineMs === undefined && head.deadlineMs !== undefined ? "start" : undefined,
    claim: given.claim,
    traceparent,
    limits: head.saysLimits ? limitsOf(workflow as AnyTask, parsed, head.fair) : undefined,
  };
}

/** Should they not be to be had, a worker is asked for them; where they cannot be, the step fails there, and says so. */
function limitsOf(task: AnyTask, input: unknown, fair: FairKey | undefined): readonly LimitUse[] | undefined {
  try {
    return limitUsesOf(task, input, fair);
  } catch {
    return undefined;
  }
}

export function withinLimit(text: string, what: string): string {
  if (text.length <= MAX_VALUE_BYTES / 3) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_VALUE_BYTES) return text;
  const size = showBytes(bytes);
  throw new JobbersError(
    "value-too-large",
    `${what} has ${size} of JSON; ${showBytes(MAX_VALUE_BYTES)} is the most`,
  );
}
