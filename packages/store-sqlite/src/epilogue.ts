import { ON_FAILURE, RUN_ADDRESS, type StepAddress, type StepSpec, valueKey } from "@jobbers/core";
import { makeReady } from "./ready.js";
import type { Run, Step } from "./records.js";
import type { Unit } from "./unit.js";

/** True for the step that holds an onFailure body: it is no member of the body that it follows. */
export function isEpilogue({ spec }: Step): boolean {
  return spec.kind === "dag" && (spec.name === ON_FAILURE || spec.name.endsWith(`/${ON_FAILURE}`));
}

/** Starts the onFailure body of a run or an inlined dag. Nobody sends its spec, because the store alone knows when it is due. */
export function startEpilogue(unit: Unit, run: Run, owner: StepAddress): void {
  const prefix = owner === RUN_ADDRESS ? "" : `${owner}/`;
  const name = owner === RUN_ADDRESS ? "" : `${unit.step(run, owner)?.spec.name}/`;
  makeReady(unit, unit.addStep(run, epilogueSpec(`${prefix}${ON_FAILURE}`, `${name}${ON_FAILURE}`, owner)));
}

function epilogueSpec(address: StepAddress, name: string, owner: StepAddress): StepSpec {
  return {
    ...controlSpec(address, name, owner),
    reads: [valueKey.failure(owner), valueKey.input(owner)],
  };
}

/** The spec of a step that only the store knows of, and that nobody waits for. */
function controlSpec(address: StepAddress, name: string, owner: StepAddress): StepSpec {
  return {
    address,
    name,
    kind: "dag",
    owner,
    parents: 0,
    trigger: "all_done",
    stoppable: false,
    needs: "",
    queue: "",
    phase: "enter",
    reads: [],
    dependents: 0,
    catchers: 0,
    catches: false,
    stops: false,
    inline: false,
  };
}

/**
 * The spec of the step at the run's own address: it stands for the entry steps beyond the first page of a submission, or for all
 * of them where the input has yet to be parsed, by whoever serves `needs`. It is handed out as `enter`, and shows nowhere else.
 */
export function openingSpec(needs: string): StepSpec {
  const spec = controlSpec(RUN_ADDRESS, "", RUN_ADDRESS);
  return needs === "" ? spec : { ...spec, needs, reads: [valueKey.input(RUN_ADDRESS)] };
}
