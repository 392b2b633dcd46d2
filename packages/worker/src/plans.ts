import { type AnyWorkflow, indexPlan, type Plan, type PlanIndex, type Store } from "@jobbers/core";

/** How many plans beside the worker's own are kept. */
const MAX_FOREIGN = 64;

/**
 * The plans that a worker follows, by hash: its own for good, others (older versions, dags that only other workers registered)
 * as they are needed.
 */
export class Plans {
  readonly #own = new Map<string, PlanIndex>();
  readonly #foreign = new Map<string, PlanIndex>();
  readonly #store: Pick<Store, "getPlan">;

  constructor(workflows: readonly AnyWorkflow[], store: Pick<Store, "getPlan">) {
    this.#store = store;
    for (const { version, plan } of workflows) this.#own.set(version, indexPlan(plan));
  }

  /** The plan if it is at hand. */
  peek(hash: string): PlanIndex | undefined {
    return this.#own.get(hash) ?? this.#foreign.get(hash);
  }

  /** The text of a plan; `undefined` when the store does not have it. */
  fetch(hash: string): Promise<string | undefined> {
    return this.#store.getPlan(hash);
  }

  /** Reads a plan's text and keeps it; throws when it is no plan that this version reads. */
  learn(hash: string, text: string): PlanIndex {
    const plan = JSON.parse(text) as Plan;
    if (plan.format !== 1)
      throw new Error(`it has format ${String(plan.format)}, which this version does not read`);
    const index = indexPlan(plan);
    if (this.#foreign.size >= MAX_FOREIGN) this.#foreign.delete(this.#foreign.keys().next().value as string);
    this.#foreign.set(hash, index);
    return index;
  }
}
