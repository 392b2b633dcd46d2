import {
  isEnded,
  isSettled,
  type PlanIndex,
  type PlanStep,
  type RunRecord,
  type StepCounts,
  type StepState,
  type Store,
} from "@jobbers/core";
import { readSpreads } from "./run-spreads.js";
import type { StepProgress } from "./run-types.js";

/** Reads how far a run is: one count by step name, and of its outer maps the widths and how they were spread. */
export async function readProgress(
  store: Pick<Store, "countSteps" | "getStep" | "readValues">,
  { id, state }: Pick<RunRecord, "id" | "state">,
  index: PlanIndex,
): Promise<StepProgress[]> {
  const counted = new Map((await store.countSteps(id)).map((each: StepCounts) => [each.name, each.counts]));
  const widths = new Map<PlanStep, number | undefined>();
  for (const step of index.plan.steps) {
    // The width of a map inside a map differs from one instance to the next; it is not known before all of them are laid out.
    const isOuterMap = step.kind === "map" && index.maps(step).length === 0;
    if (isOuterMap && counted.has(step.name)) widths.set(step, (await store.getStep(id, step.name))?.count);
  }
  const spreads = await readSpreads(store, id, index);
  return index.plan.steps.map((step) => {
    const counts = counted.get(step.name) ?? {};
    const maps = index.maps(step);
    const total = maps.length === 0 ? 1 : maps.length === 1 ? widths.get(maps[0] as PlanStep) : undefined;
    const settled = sum(counts, isSettled);
    const known = total ?? (isEnded(state) ? settled : undefined);
    const spread = spreads.get(step.name);
    return {
      ...{ name: step.name, kind: step.kind, depth: maps.length, total: known, settled, counts },
      ...(spread && { spread }),
    };
  });
}

/** How many steps are in the states that a test lets pass. */
function sum(counts: StepCounts["counts"], test: (state: StepState) => boolean): number {
  return Object.entries(counts).reduce(
    (all, [state, count]) => all + (test(state as StepState) ? count : 0),
    0,
  );
}
