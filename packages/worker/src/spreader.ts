import { type AnyDag, createChooser, type Grant, type MapStep, type Store } from "@jobbers/core";
import type { Found } from "./finder.js";
import { type Asker, untilAnswered } from "./persistence.js";

/** Chooses the queue of an element; none: its steps stand where those around it do. Throws `spread-failed`. */
export type Choose = (item: unknown, index: number) => string | undefined;

export interface SpreaderOptions extends Asker {
  readonly store: Pick<Store, "listQueues">;
  /** Where the spreads are found that are code. */
  readonly dags: ReadonlyMap<string, AnyDag>;
}

const none: Choose = () => undefined;

/** Lays the instances of maps over queues, as the plan says and, where that takes code, this worker's version of the run's dag. */
export class Spreader {
  constructor(private readonly options: SpreaderOptions) {}

  /** Begins with a map; what it answers is asked for anew for each page, because the depths of queues are read by page. */
  begin({ lease }: Grant, { index, located }: Found, { spread: plan }: MapStep): () => Promise<Choose> {
    if (!plan) return async () => none;
    const { run, address: map } = lease;
    const { name } = located.step;
    const spread = this.options.dags.get(index.plan.name)?.spreads.get(name);
    const chooser = createChooser(plan, spread, { run, map });
    if (chooser.isStandIn) {
      const what = `this version of dag "${index.plan.name}" has no spread "${plan.by}" for map "${name}"`;
      const instead = "its children are laid over the queues of the run's version in turn";
      this.options.log.warn(`${what}: ${instead}`, { run, step: map });
    }
    return async () => {
      const depths = chooser.depths ? await this.#depths() : new Map<string, number>();
      return (item, index) => chooser.choose(item, index, depths);
    };
  }

  async #depths(): Promise<Map<string, number>> {
    const { store } = this.options;
    const queues = await untilAnswered("listQueues", () => store.listQueues(), this.options);
    return new Map(queues.map(({ name, ready }) => [name, ready]));
  }
}
