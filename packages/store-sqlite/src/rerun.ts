import { type Rerun, type StepAddress, valueKey } from "@jobbers/core";
import { dropLetter } from "./dead-letters.js";
import { keepTakenBack } from "./history.js";
import type { Run, Step } from "./records.js";
import { bodyOf, DEFINITE } from "./settle.js";
import type { Unit } from "./unit.js";
import { dropValue, dropValues, errorKey } from "./values.js";

/** What a rerun makes of a step: it runs again, waits again, goes on with its body, or is taken away. */
export type Fate = "runs" | "waits" | "goes-on" | "goes";

/** What a rerun takes back, to be looked up by step. */
export interface TakenBack {
  /** By plan name; outside of maps that is the address. */
  readonly fates: ReadonlyMap<string, Fate>;
  readonly kept: ReadonlyMap<StepAddress, Rerun["after"][number]["kept"]>;
  readonly caught: ReadonlySet<StepAddress>;
}

/** What a retry of a run takes back, where it is a rerun. */
function takenBackOf(run: Run): TakenBack | undefined {
  if (!run.only || !("rerun" in run.only)) return undefined;
  run.takenBack ??= read(run.only.rerun);
  return run.takenBack;
}

function read({ step, around, after, inside, caught }: Rerun): TakenBack {
  const fates: [string, Fate][] = [
    ...inside.map((name) => [name, "goes"] as [string, Fate]),
    ...around.map((name) => [name, "goes-on"] as [string, Fate]),
    ...after.map((each) => [each.step, "waits"] as [string, Fate]),
    [step, "runs"],
  ];
  return {
    fates: new Map(fates),
    kept: new Map(after.map((each) => [each.step, each.kept])),
    caught: new Set(caught),
  };
}

/** The plan names of all steps that a rerun changes, as a list in JSON; an empty one where a retry is none. */
export function namesTakenBack(run: Run): string {
  return JSON.stringify([...(takenBackOf(run)?.fates.keys() ?? [])]);
}

export function fateOf({ run, spec }: Step): Fate | undefined {
  return takenBackOf(run)?.fates.get(spec.name);
}

/** True for a failure that is kept, and of which a catcher runs again. */
export function isCaughtAnew({ run, address, state }: Step): boolean {
  return state === "failed" && takenBackOf(run)?.caught.has(address) === true;
}

/** Such a failure is undecided, until its catchers have settled. */
export function undecide(unit: Unit, step: Step): void {
  if (step.rescued === DEFINITE) {
    takeFromFailures(unit, step);
    dropLetter(unit, step);
  }
  step.rescued = 0;
  step.dirty = true;
}

/** A failure that was definite is so no more. */
export function takeFromFailures(unit: Unit, { run, spec }: Step): void {
  const body = bodyOf(unit, run, spec.owner);
  body.failed--;
  body.dirty = true;
  if (body.failed === 0) dropValue(unit.sql, run.seq, valueKey.failure(spec.owner));
}

/** The marks that a step has of its parents that are kept. All but successes are told again. */
export function keptMarks(unit: Unit, { run, address }: Step): Step["marks"] {
  const parents = takenBackOf(run)?.kept.get(address) ?? [];
  const told = parents.filter(({ step, place }) => {
    const parent = unit.step(run, step);
    return parent?.state === "succeeded" && (parent.phase !== "advance" || parent.cursor > place);
  });
  return told.length > 0 ? [told.length, 0, 0, 0] : null;
}

/** Forgets what came of a step that runs or waits again, and its body. */
export function forgetResult(unit: Unit, step: Step): void {
  const { run, address, spec, state } = step;
  if (state === "succeeded" && spec.kind === "task") keepTakenBack(unit, step);
  step.output = null;
  step.dirty = true;
  dropValues(unit.sql, run.seq, [address, ...bodyKeys(address)]);
  if (spec.kind !== "task") unit.removeBody(step);
}

/** Takes a step away that lies in a body that is laid out anew, if it is. Attempts that did not succeed stay in its history. */
export function forgetStep(unit: Unit, step: Step): void {
  const { run, address, spec } = step;
  if (step.rescued === DEFINITE && spec.kind === "task") dropLetter(unit, step);
  // Each element of a map has at least one step that its body begins with.
  const index = /^.*\[(\d+)\]/s.exec(address)?.[1];
  const item =
    spec.owner.endsWith("[]") && index !== undefined ? [valueKey.item(spec.owner, Number(index))] : [];
  const own = [address, errorKey(address), valueKey.edited(address)];
  dropValues(unit.sql, run.seq, [...own, ...bodyKeys(address), ...item]);
  run.fences = Math.max(run.fences, step.fence + 1);
  run.dirty = true;
  unit.removeStep(step);
}

function bodyKeys(owner: StepAddress): string[] {
  return [valueKey.input(owner), valueKey.failure(owner), valueKey.spread(owner)];
}
