import type { Queue } from "@jobbers/client";
import { harmless } from "./log-lines.js";
import { count } from "./progress-lines.js";

type Settings = NonNullable<Queue["settings"]>;
type Part = Exclude<keyof Settings["default"], "weights">;
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
    ...weightLines(settings),
  ];
}

/** How many weights are shown one by one. */
const WEIGHTS_SHOWN = 20;

/** Each key's weight that is in force, marked where it was edited. */
function weightLines({ weights = {}, default: code, edit }: Settings): string[] {
  const texts = Object.entries(weights).map(([key, weight]) => {
    const said = code.weights?.[key];
    const own = said === undefined || said === weight ? "" : `; the code says ${count(said)}`;
    return `${harmless(key)}=${count(weight)} (${edit.weights?.[key] === undefined ? "code" : `edited${own}`})`;
  });
  if (texts.length === 0) return [];
  const more = texts.length > WEIGHTS_SHOWN ? [`and ${count(texts.length - WEIGHTS_SHOWN)} more`] : [];
  return [`  weights ${[...texts.slice(0, WEIGHTS_SHOWN), ...more].join(", ")}`];
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
