import type { Queue } from "@jobbers/client";
import { count } from "./progress-lines.js";

type Settings = NonNullable<Queue["settings"]>;
type Part = keyof Settings["default"];
type Value<P extends Part> = NonNullable<Settings["edit"][P]>;

/** What of a queue's policy is in force, marked where it was edited; `-` where nobody has said anything. */
export function inForce<P extends Part>(
  { default: code, edit }: Settings,
  part: P,
  text: (value: Value<P>) => string,
): string {
  const edited = edit[part];
  if (edited !== undefined) return `${text(edited as Value<P>)} (edited)`;
  const said = code[part];
  return said === undefined ? "-" : text(said as Value<P>);
}

/** A line for each part of a queue's policy of which anything is said: what is in force, and what the code says where that is something else. */
export function policyLines(settings: Settings): string[] {
  return [
    ...lines(settings, "max", "at most", maxText),
    ...lines(settings, "priority", "priorities", (priority) => priority),
  ];
}

/** A maximum as it is shown. */
export function maxText(max: number | "none"): string {
  return max === "none" ? max : count(max);
}

function lines<P extends Part>(
  settings: Settings,
  part: P,
  name: string,
  text: (value: Value<P>) => string,
): string[] {
  const said = settings.default[part] as Value<P> | undefined;
  if (settings.edit[part] === undefined) return said === undefined ? [] : [`  ${name} ${text(said)} (code)`];
  const code = said === undefined ? "" : `; the code says ${text(said)}`;
  return [`  ${name} ${inForce(settings, part, text)}${code}`];
}
