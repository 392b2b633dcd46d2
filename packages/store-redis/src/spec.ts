import type { Page, StepSpec } from "@jobbers/core";
import { kindLetters, phaseLetters, triggerLetters } from "./letters.js";
import type { Argument } from "./script.js";
import { GS, keyText, packText, RS, US } from "./text.js";

/** The same step of the same plan is the same object, as far as it stands outside of maps. */
const packedSpecs = new WeakMap<StepSpec, string>();

/** Writes a spec, or answers what was written before. */
export function packSpec(spec: StepSpec): string {
  const known = packedSpecs.get(spec);
  if (known !== undefined) return known;
  const packed = writeSpec(spec);
  packedSpecs.set(spec, packed);
  return packed;
}

/**
 * Writes a spec as `address RS name US kind US owner US …`, the way scripts/shared/steps.lua splits it. A name that is the address, as
 * it is outside of maps, is left out;
 * so is what is needed where it is the address. The flags end with `startWithinMs` where there is one, and `~stickyMs`, the queue with `GS laid`.
 */
function writeSpec(spec: StepSpec): string {
  const address = packText(spec.address);
  const needs = spec.needs === "" ? "" : keyText(spec.needs);
  const flags =
    (spec.stoppable ? "s" : "") +
    (spec.catches ? "c" : "") +
    (spec.stops ? "t" : "") +
    (spec.inline ? "i" : "") +
    (spec.each ? "e" : "") +
    (spec.startWithinMs ?? "") +
    (spec.stickyMs === undefined ? "" : `~${spec.stickyMs}`);
  return (
    address +
    RS +
    (spec.name === spec.address ? "" : packText(spec.name)) +
    US +
    kindLetters[spec.kind] +
    US +
    packText(spec.owner) +
    US +
    spec.parents +
    US +
    triggerLetters[spec.trigger] +
    US +
    flags +
    US +
    (needs !== "" && needs === address ? "=" : needs) +
    US +
    keyText(spec.queue) +
    (spec.laid === undefined ? "" : GS + keyText(spec.laid)) +
    US +
    (spec.priority ?? "") +
    US +
    phaseLetters[spec.phase] +
    US +
    spec.dependents +
    US +
    spec.catchers +
    US +
    spec.reads.map(packText).join(GS)
  );
}

/** Appends a page's specs to a script's arguments. */
export function pushSpecs(args: Argument[], specs: Page<StepSpec>["items"]): void {
  for (const spec of specs) args.push(packSpec(spec));
}
