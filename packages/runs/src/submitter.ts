import {
  createRunIds,
  type Durability,
  type ErrorCode,
  type FairQueues,
  JobbersError,
  type JsonValue,
  type LargeValues,
  QUEUE_FULL_RETRY_MS,
  quoted,
  RUN_ADDRESS,
  type RunState,
  type Store,
  type Submission,
  type SubmitOptions,
  type SubmitResult,
  valueKey,
  type Workflow,
} from "@jobbers/core";
import { createSubmission, headOf, planTextOf, type SubmissionHead } from "./submission.js";

/** One run of many: its input, and options of its own. */
export interface SubmitItem<I = unknown> extends SubmitOptions {
  readonly input: I;
}

/**
 * What became of one item; its id is known in any case, so that it can be sent again without harm. It is another run's where that holds
 * the item's key.
 */
export type Submitted =
  | { readonly id: string; readonly status: "created" | "existing"; readonly state: RunState }
  | { readonly id: string; readonly status: "refused"; readonly error: Error };

/** Sends submissions to a store, and the plan after them where the store asks for it. */
export interface Submitter {
  /** Answers one result for each item, in order; it rejects only when the workflow itself is none. */
  submit(workflow: Workflow, items: readonly SubmitItem[]): Promise<Submitted[]>;
}

/**
 * How many submissions are prepared and sent together: while the store has some, the next are prepared. The first are few, so that the store
 * begins soon; then each chunk has twice as many as the one before, since the store has some work with each of whatever size.
 */
const CHUNK = { first: 60, most: 500 } as const;

/** The most chunks that are on their way. */
const MAX_SENT = 4;

/**
 * Makes a connection's submitter.
 *
 * @param queues what says whose turn steps take in some queues, for tasks that say nothing themselves
 */
export function createSubmitter(store: Pick<Store, "submit" | "large">, queues?: FairQueues): Submitter {
  const nextId = createRunIds(Date.now);
  const heads = new WeakMap<Workflow, SubmissionHead>();
  /** What was sent before, so that the store has its plan, unless that has been purged. */
  const planned = new WeakSet<Workflow>();
  return {
    async submit(workflow, items) {
      checkWorkflow(workflow);
      const head = heads.get(workflow) ?? headOf(workflow, queues);
      heads.set(workflow, head);
      const sent: Promise<Submitted[]>[] = [];
      let size: number = CHUNK.first;
      for (let at = 0; at < items.length; at += size, size = Math.min(2 * size, CHUNK.most)) {
        // A last one that is small goes along.
        if (items.length - at < 1.5 * size) size = items.length - at;
        const chunk = items.slice(at, at + size);
        const prepared = chunk.map((item) => prepare(store, workflow, head, item, nextId));
        const ready = prepared.some((each) => each instanceof Promise)
          ? await Promise.all(prepared)
          : (prepared as Prepared[]);
        sent.push(send(store, workflow, chunk, ready));
        // A store that is away is not sent a thousand things, nor one that lacks the plan.
        if (!planned.has(workflow)) await sent.at(-1);
        else if (sent.length >= MAX_SENT) await sent[sent.length - MAX_SENT];
        planned.add(workflow);
      }
      return (await Promise.all(sent)).flat();
    },
  };
}

type Prepared = Submission | Submitted;

function prepare(
  { large }: Pick<Store, "large">,
  workflow: Workflow,
  head: SubmissionHead,
  item: SubmitItem,
  nextId: () => string,
): Prepared | Promise<Prepared> {
  const id = item?.id ?? nextId();
  try {
    const made = createSubmission(workflow, head, item.input, item, id);
    const kept = large ? keepInput(large, made) : made;
    return kept instanceof Promise ? kept.catch((error: unknown) => refusal(id, error)) : kept;
  } catch (error) {
    return refusal(id, error);
  }
}

/** A submission whose input, where that is too large for the store, lies where it belongs. */
function keepInput(
  large: LargeValues,
  made: Submission | Promise<Submission>,
): Submission | Promise<Submission> {
  if (made instanceof Promise) return made.then((submission) => keepInput(large, submission));
  const kept = large.keep(made.id, valueKey.input(RUN_ADDRESS), made.input);
  return kept instanceof Promise ? kept.then((input) => ({ ...made, input })) : made;
}

/** Sends what was not refused before, and answers for all, in order. */
async function send(
  store: Pick<Store, "submit">,
  workflow: Workflow,
  items: readonly SubmitItem[],
  prepared: readonly Prepared[],
): Promise<Submitted[]> {
  const isPlain = prepared.every((each, at) => !("status" in each) && items[at]?.durability === undefined);
  if (isPlain) return await sendWithPlan(store, workflow, prepared as readonly Submission[], "local");
  const answers: Submitted[] = [];
  for (const durability of ["local", "replica"] as const) {
    const places = [...prepared.keys()].filter(
      (at) => !("status" in (prepared[at] as object)) && (items[at]?.durability ?? "local") === durability,
    );
    const batch = places.map((at) => prepared[at] as Submission);
    const outcomes = await sendWithPlan(store, workflow, batch, durability);
    for (const [i, at] of places.entries()) answers[at] = outcomes[i] as Submitted;
  }
  return prepared.map((each, at) => ("status" in each ? each : (answers[at] as Submitted)));
}

async function sendWithPlan(
  store: Pick<Store, "submit">,
  workflow: Workflow,
  batch: readonly Submission[],
  durability: Durability,
): Promise<Submitted[]> {
  if (batch.length === 0) return [];
  try {
    const results = await store.submit(batch, { durability });
    const lacking = batch.filter((_, i) => results[i]?.status === "plan-missing");
    if (lacking.length === 0) return results.map(outcomeOf);
    const planText = planTextOf(workflow.plan);
    const whole = lacking.map((each) => ({ ...each, planText }));
    const again = (await store.submit(whole, { durability })).values();
    return results.map((each) =>
      outcomeOf(each.status === "plan-missing" ? (again.next().value as SubmitResult) : each),
    );
  } catch (error) {
    return batch.map(({ id }) => refusal(id, error));
  }
}

function outcomeOf(result: SubmitResult): Submitted {
  const { id } = result;
  switch (result.status) {
    case "created":
    case "existing":
      return result;
    case "conflict":
      return refusalOf(id, "run-conflict", `run ${id} exists already, with another name, input or options`);
    case "key-conflict": {
      const { holder } = result;
      const what = `run ${holder} holds this key, with another name, input or options`;
      return refusalOf(id, "key-conflict", what, { id, holder });
    }
    case "key-taken": {
      const { holder } = result;
      return refusalOf(id, "key-taken", `run ${holder} holds this key`, { id, holder });
    }
    case "run-at-invalid": {
      const now = new Date(result.nowMs).toISOString();
      const what = "runAt is more than a minute past, or more than ten years off";
      return refusalOf(id, "run-at-invalid", `${what}: the store's clock says ${now}`, { id, now });
    }
    case "queue-full": {
      const { queue, max } = result;
      const what = `queue ${quoted(queue)} has as many ready steps as it may have (${max})`;
      const detail = { id, queue, max, retryAfterMs: QUEUE_FULL_RETRY_MS };
      return refusalOf(id, "queue-full", what, detail);
    }
    case "queue-draining": {
      const { queue } = result;
      const what = `queue ${quoted(queue)} is being drained, and takes nothing new`;
      return refusalOf(id, "queue-draining", what, { id, queue });
    }
    case "plan-missing":
      return refusalOf(id, "plan-missing", `the store did not take the plan of run ${id}`);
    case "not-replicated": {
      const { waitedMs } = result;
      const what = `the master has written run ${id}, but no replica confirmed it within ${waitedMs} ms`;
      const message = `${what}; submitting the same id again is harmless and checks again`;
      return refusalOf(id, "not-replicated", message, { id, waitedMs });
    }
  }
}

function refusalOf(id: string, code: ErrorCode, message: string, detail?: JsonValue): Submitted {
  const error = new JobbersError(code, message, detail === undefined ? {} : { detail });
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
