import {
  createRunIds,
  JobbersError,
  type Store,
  type Submission,
  type SubmitResult,
  type Workflow,
} from "@jobbers/core";
import { createSubmission, headOf, planTextOf, type SubmissionHead } from "./submission.js";
import type { SubmitOptions } from "./submit-options.js";

/** One run of many: its input, and options of its own. */
export interface SubmitItem<I = unknown> extends SubmitOptions {
  readonly input: I;
}

/** What became of one item; its id is known in any case, so that it can be sent again without harm. */
export type Submitted =
  | { readonly id: string; readonly status: "created" | "existing" }
  | { readonly id: string; readonly status: "refused"; readonly error: Error };

/** Sends submissions to a store, and the plan after them where the store asks for it. */
export interface Submitter {
  /** Answers one result for each item, in order; it rejects only when the workflow itself is none. */
  submit(workflow: Workflow, items: readonly SubmitItem[]): Promise<Submitted[]>;
}

/** How many submissions are prepared and sent together. */
const CHUNK = 500;

/** Makes a connection's submitter. */
export function createSubmitter(store: Pick<Store, "submit">): Submitter {
  const nextId = createRunIds(Date.now);
  const heads = new WeakMap<Workflow, SubmissionHead>();
  return {
    async submit(workflow, items) {
      checkWorkflow(workflow);
      const head = heads.get(workflow) ?? headOf(workflow);
      heads.set(workflow, head);
      const answers: Submitted[] = [];
      for (let at = 0; at < items.length; at += CHUNK) {
        const chunk = items.slice(at, at + CHUNK).map((item) => prepare(workflow, head, item, nextId));
        answers.push(...(await send(store, workflow, await Promise.all(chunk))));
      }
      return answers;
    },
  };
}

async function prepare(
  workflow: Workflow,
  head: SubmissionHead,
  item: SubmitItem,
  nextId: () => string,
): Promise<Submission | Submitted> {
  const id = item?.id ?? nextId();
  try {
    const { input, ...options } = item;
    return await createSubmission(workflow, head, input, options, id);
  } catch (error) {
    return refusal(id, error);
  }
}

/** Sends what was not refused before, and answers for all, in order. */
async function send(
  store: Pick<Store, "submit">,
  workflow: Workflow,
  prepared: readonly (Submission | Submitted)[],
): Promise<Submitted[]> {
  const batch = prepared.filter((each): each is Submission => !("status" in each));
  const outcomes = (await sendWithPlan(store, workflow, batch)).values();
  return prepared.map((each) => ("status" in each ? each : (outcomes.next().value as Submitted)));
}

async function sendWithPlan(
  store: Pick<Store, "submit">,
  workflow: Workflow,
  batch: readonly Submission[],
): Promise<Submitted[]> {
  if (batch.length === 0) return [];
  try {
    const results = await store.submit(batch);
    const lacking = batch.filter((_, i) => results[i]?.status === "plan-missing");
    if (lacking.length === 0) return results.map(outcomeOf);
    const planText = planTextOf(workflow.plan);
    const again = (await store.submit(lacking.map((each) => ({ ...each, planText })))).values();
    return results.map((each) =>
      outcomeOf(each.status === "plan-missing" ? (again.next().value as SubmitResult) : each),
    );
  } catch (error) {
    return batch.map(({ id }) => refusal(id, error));
  }
}

function outcomeOf({ id, status }: SubmitResult): Submitted {
  if (status === "created" || status === "existing") return { id, status };
  const error =
    status === "conflict"
      ? new JobbersError("run-conflict", `run ${id} exists already, with another name, input or options`)
      : new JobbersError("plan-missing", `the store did not take the plan of run ${id}`);
  return { id, status: "refused", error };
}

function refusal(id: unknown, thrown: unknown): Submitted {
  return {
    id: String(id),
    status: "refused",
    error: thrown instanceof Error ? thrown : new Error(String(thrown)),
  };
}

function checkWorkflow(workflow: Workflow): void {
  const { kind, plan } = (workflow ?? {}) as Partial<Workflow>;
  if ((kind === "dag" || kind === "task") && plan?.format === 1) return;
  throw new JobbersError("definition-invalid", "what is submitted must be a task or a dag");
}
