import { indexPlan, JobbersError, type Plan, type PlanIndex, type Store } from "@jobbers/core";

/** The plans that a connection has read, by hash; a hash never changes its meaning. */
export interface Plans {
  /** Throws `plan-missing` when the store does not have it. */
  read(hash: string): Promise<PlanIndex>;
}

const MAX_KEPT = 100;

/** Makes a connection's memory of plans; the least recently used ones are forgotten. */
export function createPlans(store: Pick<Store, "getPlan">): Plans {
  const known = new Map<string, PlanIndex>();
  return {
    async read(hash) {
      const index = known.get(hash) ?? (await readPlan(store, hash));
      known.delete(hash);
      known.set(hash, index);
      const [oldest] = known.keys();
      if (known.size > MAX_KEPT) known.delete(oldest as string);
      return index;
    },
  };
}

async function readPlan(store: Pick<Store, "getPlan">, hash: string): Promise<PlanIndex> {
  const text = await store.getPlan(hash);
  if (text === undefined) throw new JobbersError("plan-missing", `the store has no plan ${hash}`);
  return indexPlan(JSON.parse(text) as Plan);
}
