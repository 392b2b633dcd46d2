import { isOnFailure, ownerAddress, RUN_ADDRESS, type StepAddress } from "@jobbers/core";
import type { Cause } from "./cause.js";
import { listed, many } from "./figures.js";
import { scheduled } from "./run-causes.js";
import { find, MAX_CAUSES, type Scene, titleOf } from "./scene.js";
import { advancing, causesOf, OPENING, placeCauses } from "./step-causes.js";
import { notReached } from "./waiting-causes.js";

/** A step that has no record: what has to happen first. */
export async function unstarted(scene: Scene, address: StepAddress, depth: number): Promise<Cause[]> {
  const { index, record, look } = scene;
  const located = find(index, address);
  if (!located) return [unknownStep(scene, address)];
  const { step, indices } = located;
  const title = titleOf(step.kind, address);
  const owner = index.owner(step);
  if (owner) {
    const at = ownerAddress(index, step, indices);
    const above = await look.step(at);
    const count = owner.kind === "map" ? above?.count : undefined;
    if (count !== undefined && (indices.at(-1) as number) >= count)
      return [unknownStep(scene, address, `map ${at} has only ${many(count, "element")}`)];
    const isBegun = above?.state === "expanding" || (step.parents.length > 0 && above?.state === "running");
    if (!isBegun) return [notBegun(title, address, at, await causesOf(scene, at, depth))];
  }
  if (record.state === "scheduled") return [await scheduled(scene)];
  if (isOnFailure(step)) {
    const sentence = `${title} begins only when all else has settled and something has failed.`;
    return [{ type: "not-started", step: address, sentence }];
  }
  if (step.parents.length > 0) return [await notReached(scene, address, depth)];
  if (owner) return [await advancing(scene, address)];
  const opening = await placeCauses(scene, RUN_ADDRESS, OPENING);
  return [notBegun(title, address, "the run", opening)];
}

function notBegun(title: string, step: StepAddress, owner: string, because: readonly Cause[]): Cause {
  const sentence = `${title} has not begun; ${owner} has to start it.`;
  return { type: "not-started", step, sentence, because };
}

function unknownStep({ index, record }: Scene, step: StepAddress, why?: string): Cause {
  const known = index.plan.steps.map(({ name }) => name);
  const what =
    why ?? `${record.name} has ${listed(known)}; a step inside a map carries its index, as in fetch[3]`;
  return {
    ...{ type: "step-unknown", step, known: known.slice(0, MAX_CAUSES) },
    sentence: `There is no step ${step} in this run: ${what}.`,
  };
}
