import type { PlanStep } from "./plan.js";
import type { PlanIndex } from "./plan-index.js";

/**
 * The address of one step of one run: its plan name with the index of each map around it, `fetch[3]`, `add[2][5]`,
 * `site[4]/fetch[3]`. A map carries its own empty brackets: `fetch[]`, and inside another map `add[2][]`.
 */
export type StepAddress = string;

/** The address of a body's owner when the body is the run itself. */
export const RUN_ADDRESS: StepAddress = "";

/**
 * Renders the address of a step.
 *
 * Each enclosing map puts its index behind the segment of the name at whose depth it stands, before any brackets that are the
 * step's own.
 *
 * @param indices one index for each map around the step, outermost first
 */
export function addressOf(index: PlanIndex, step: PlanStep, indices: readonly number[]): StepAddress {
  if (indices.length === 0) return step.name;
  const segments = step.name.split("/");
  const last = segments.length - 1;
  const base = (segments[last] as string).replace(/(\[\])+$/, "");
  const brackets = (segments[last] as string).slice(base.length);
  segments[last] = base;
  index.maps(step).forEach((map, i) => {
    // A map inside k inlined dags has k prefixes in its own name: its index belongs behind segment k.
    const depth = map.name.split("/").length - 1;
    segments[depth] = `${segments[depth]}[${indices[i]}]`;
  });
  return segments.join("/") + brackets;
}

/** Reads an address back into the plan name and the indices of the maps around it. */
export function parseAddress(address: StepAddress): {
  readonly name: string;
  readonly indices: readonly number[];
} {
  const indices: number[] = [];
  const name = address.replace(/\[(\d+)\]/g, (_, digits: string) => {
    indices.push(Number(digits));
    return "";
  });
  return { name, indices };
}

/**
 * Keys under which a run keeps its values (JSON texts): a step's output under the step's address, everything else behind a
 * colon, which no name can contain.
 */
export const valueKey = {
  /** The input of the run, or of an inlined dag at that address. */
  input: (owner: StepAddress) => `${owner}:input`,
  /** One element of the list that the map at that address is over. */
  item: (map: StepAddress, i: number) => `${map}:${i}`,
  /** How the instances of the map at that address were laid over queues: see `spread-record.ts`. */
  spread: (map: StepAddress) => `${map}:spread`,
  /** What failed first in the run or in an inlined dag. */
  failure: (owner: StepAddress) => `${owner}:failure`,
  /** The input that a retry by hand gave the step at that address, in place of what its wiring says. */
  edited: (step: StepAddress) => `${step}:edited`,
} as const;
