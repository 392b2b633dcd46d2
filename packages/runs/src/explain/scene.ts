import {
  addressOf,
  isSettled,
  locate,
  type PlanIndex,
  type PlanStep,
  type RunRecord,
  type StepAddress,
  type StepState,
  type TaskStep,
} from "@jobbers/core";
import type { Cause } from "./cause.js";
import type { Look } from "./look.js";

/** What one explanation is about. */
export interface Scene {
  readonly look: Look;
  readonly record: RunRecord;
  readonly index: PlanIndex;
  readonly nowMs: number;
  /** What was told of steps so far; of those that are being told, nothing yet. */
  readonly told: Map<StepAddress, readonly Cause[]>;
}

/** Which steps stand in for others in what waits and what is waited for. */
export interface Causes {
  readonly because: readonly Cause[];
  readonly left: number;
}

/** How many causes stand side by side. */
export const MAX_CAUSES = 20;

/** How many steps that wait for each other are told one after the other; then come those that all of it waits for. */
export const MAX_CHAIN = 4;

/** States in which a step waits for something else than other steps. */
export const openStates = ["running", "waiting", "ready", "limited", "suspended"] as const;

/** How a step is called at the beginning of a sentence. */
export function titleOf(kind: PlanStep["kind"], address: StepAddress): string {
  return { task: `Step ${address}`, map: `Map ${address}`, dag: `Dag ${address}` }[kind];
}

/** The state of a plan's step for some instance of the maps around it; absent where it has no record. */
export async function stateOf(
  { look, index }: Scene,
  step: PlanStep,
  indices: readonly number[],
): Promise<StepState | undefined> {
  if (indices.length > 0) return (await look.step(addressOf(index, step, indices)))?.state;
  // Outside of maps a name has one step, so its count says where that is.
  const counts = (await look.counts()).get(step.name) ?? {};
  return (Object.keys(counts) as StepState[]).find((state) => (counts[state] ?? 0) > 0);
}

/** A step's siblings that it waits for, with where each of them is. */
export async function parentsOf(scene: Scene, { step, indices }: ReturnType<typeof locate>) {
  const { index } = scene;
  const parents = step.parents.map((name) => index.step(name));
  return await Promise.all(
    parents.map(async (parent) => {
      const state = await stateOf(scene, parent, indices);
      return {
        step: parent,
        state,
        address: addressOf(index, parent, indices),
        isOpen: state === undefined || !isSettled(state),
      };
    }),
  );
}

/** Where an address leads in the plan; nowhere, where the plan has no such step or the address is not how one is written. */
export function find(index: PlanIndex, address: StepAddress): ReturnType<typeof locate> | undefined {
  try {
    const located = locate(index, address);
    const isWhole = index.maps(located.step).length === located.indices.length;
    return isWhole && addressOf(index, located.step, located.indices) === address ? located : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** How many tries a step of a plan has; absent where it is no task. */
export function attemptsOf(index: PlanIndex, address: StepAddress): number | undefined {
  const step = find(index, address)?.step;
  return step?.kind === "task" ? (step as TaskStep).retry.attempts : undefined;
}
