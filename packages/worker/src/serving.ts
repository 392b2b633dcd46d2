import type { RoleQueues, Wants } from "@jobbers/core";

/** Which queues a worker serves, and in what order its next exchange asks for them. */
export class Serving {
  #queues: readonly string[];
  #weights: ReadonlyMap<string, number> | undefined;
  /** How much each queue has had, by its weight: who has had least is asked first. */
  readonly #had = new Map<string, number>();

  constructor(queues: readonly string[]) {
    this.#queues = queues;
  }

  get queues(): readonly string[] {
    return this.#queues;
  }

  /** Takes up what a role says; what a queue has had counts on as long as the role has it. */
  play(role: RoleQueues): void {
    const weights = new Map(Object.entries(role));
    this.#queues = [...weights.keys()];
    this.#weights = weights.size > 1 ? weights : undefined;
    for (const queue of this.#had.keys()) if (!weights.has(queue)) this.#had.delete(queue);
    // A new queue is no creditor of what was taken before it came.
    const least = Math.min(...this.#had.values());
    for (const queue of weights.keys())
      if (!this.#had.has(queue)) this.#had.set(queue, Number.isFinite(least) ? least : 0);
  }

  /** What an exchange asks for that asks for some of the queues. */
  wants(some: readonly string[]): Pick<Wants, "queues" | "weights"> {
    const weights = this.#weights;
    if (!weights) return { queues: some };
    // The role may have been edited in between.
    const queues = some.filter((queue) => weights.has(queue)).sort((a, b) => this.#hadBy(a) - this.#hadBy(b));
    return { queues, weights: queues.map((queue) => weights.get(queue) as number) };
  }

  /** Counts what an exchange has brought of what it asked for. */
  took(
    { queues, weights }: Pick<Wants, "queues" | "weights">,
    slots: number,
    taken: readonly number[],
  ): void {
    if (!weights || slots === 0) return;
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const hungry: string[] = [];
    const fed: number[] = [];
    let left = slots;
    queues.forEach((queue, i) => {
      const weight = weights[i] as number;
      const asked = Math.min(left, Math.ceil((slots * weight) / sum));
      const had = Math.min(asked, taken[i] ?? 0);
      left -= had;
      if (!this.#had.has(queue)) return;
      this.#had.set(queue, this.#hadBy(queue) + (taken[i] ?? 0) / weight);
      if (had < asked) hungry.push(queue);
      else if (asked > 0) fed.push(this.#hadBy(queue));
    });
    // A queue that was empty saves nothing up for later.
    const least = Math.min(...fed, ...(fed.length === 0 ? this.#had.values() : []));
    for (const queue of hungry) this.#had.set(queue, Math.max(this.#hadBy(queue), least));
  }

  #hadBy(queue: string): number {
    return this.#had.get(queue) ?? 0;
  }
}
