import { JobbersError, type RunRecord, type StepState, type Store, type Workflow } from "@jobbers/core";
import { explain } from "./explain/explain.js";
import type { Feed } from "./feed.js";
import type { Plans } from "./plans.js";
import { retryFrom } from "./retry-from.js";
import { logPagesOf } from "./run-logs.js";
import { readProgress } from "./run-progress.js";
import { readItems, readResult, statusOf } from "./run-result.js";
import type { LogOptions, Run } from "./run-types.js";
import { eventsOf, untilEnded } from "./run-watch.js";

/** What a connection's runs share. */
export interface RunDeps {
  readonly store: Store;
  readonly feed: Feed;
  readonly plans: Plans;
}

const STEPS_PAGE = 500;

/** Makes the handle of a run; nothing is read before it is asked for. */
export function createRun<O>(deps: RunDeps, id: string, workflow?: Workflow): Run<O> {
  return new StoredRun<O>(deps, id, workflow);
}

/** A class, since thousands may be made at a time: with functions of its own, each handle would take 1 KB. */
class StoredRun<O> implements Run<O> {
  readonly id: string;
  readonly #deps: RunDeps;
  readonly #workflow: Workflow | undefined;

  constructor(deps: RunDeps, id: string, workflow: Workflow | undefined) {
    this.id = id;
    this.#deps = deps;
    this.#workflow = workflow;
  }

  async status() {
    return statusOf(await this.#read());
  }

  async result({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    const { store, plans } = this.#deps;
    return (await readResult(store, plans, await untilEnded(this.#watched(), signal))) as O;
  }

  async *items({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    const { store, plans } = this.#deps;
    yield* (await readItems(store, plans, await untilEnded(this.#watched(), signal))) as AsyncIterable<never>;
  }

  async cancel() {
    const { status } = await this.#deps.store.cancel(this.id);
    if (status === "unknown") throw unknownRun(this.id);
    return status;
  }

  retry({ from }: { readonly from?: string | undefined } = {}) {
    return retryFrom(this.#deps, this.id, { from });
  }

  async *steps({ states }: { readonly states?: readonly StepState[] | undefined } = {}) {
    let after: string | undefined;
    do {
      const page = await this.#deps.store.listSteps(this.id, { after, limit: STEPS_PAGE, states });
      yield* page.steps;
      after = page.next;
    } while (after !== undefined);
  }

  async progress() {
    const { store, plans } = this.#deps;
    const record = await this.#read();
    return readProgress(store, record, await plans.read(record.plan));
  }

  explain(step?: string) {
    return explain(this.#deps, this.id, step);
  }

  async *logs({ step: address, ...options }: LogOptions = {}) {
    const { store } = this.#deps;
    for await (const { lines } of logPagesOf({ ...this.#watched(), store }, { ...options, address }))
      yield* lines;
  }

  events({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    return eventsOf(this.#watched(), signal);
  }

  async #read() {
    return checkRecord(await this.#deps.store.getRun(this.id), this.id, this.#workflow);
  }

  #watched() {
    return { id: this.id, feed: this.#deps.feed, read: () => this.#read() };
  }
}

function checkRecord(record: RunRecord | undefined, id: string, workflow: Workflow | undefined): RunRecord {
  if (!record) throw unknownRun(id);
  if (!workflow || workflow.name === record.name) return record;
  throw new JobbersError("run-conflict", `run ${id} is one of "${record.name}", not of "${workflow.name}"`);
}

function unknownRun(id: string): JobbersError {
  return new JobbersError("run-unknown", `there is no run ${id}`);
}
