import { type Flaw, type FlawKind, flawOf } from "@jobbers/core";
import type { Handler } from "./check-kinds.js";
import type { Script } from "./script.js";
import { RS, unpackText } from "./text.js";

/** Scripts that look tell no events, unless a repair does. */
const EVENTS_KEPT = 100_000;

/** A problem as scripts/shared/check.lua writes it. */
type Told = readonly [kind: string, run: string, step: string, key: string, detail: string, repaired: number];

function flawsOf(told: unknown): Flaw[] {
  return (told as Told[]).map(([kind, run, step, key, detail, repaired]) =>
    flawOf(kind as FlawKind, {
      run: run || undefined,
      step: step ? unpackText(step) : undefined,
      key: key || undefined,
      detail: detail || undefined,
      repaired: repaired === 1,
    }),
  );
}

/** A key under our prefix that is none of ours. */
export function foreignKey(key: string): Flaw {
  return flawOf("foreign", { key, repaired: false });
}

interface LookedRuns {
  /** A letter for each run that was come to: b is too large for this script, p is purged. */
  readonly states: string;
  readonly problems: Flaw[];
}

export const runsScript: Script<[repair: boolean, ids: readonly string[]], LookedRuns> = {
  name: "check-runs",
  encode: (repair, ids) => [EVENTS_KEPT, repair ? 1 : 0, ...ids],
  decode(reply) {
    const [states, told] = reply as [string, unknown];
    return { states, problems: flawsOf(told) };
  },
};

export const keyScript: Script<
  [repair: boolean, handler: Handler, cursor: string],
  { next: string; problems: Flaw[] }
> = {
  name: "check-key",
  encode: (repair, { name, id }, cursor) => [EVENTS_KEPT, repair ? 1 : 0, name, id, cursor],
  decode(reply) {
    const [next, told] = reply as [string, unknown];
    return { next, problems: flawsOf(told) };
  },
};

/** What the steps of a run add up to, as scripts/shared/check-sums.lua has it. Lua's JSON has no empty lists. */
export interface Sums {
  readonly bodies: Record<string, number[]>;
  readonly names: Record<string, number>;
  readonly holds: Record<string, number>;
  due?: number | undefined;
}

export const stepsScript: Script<
  [repair: boolean, run: string, packed: readonly string[]],
  { sums: Sums; problems: Flaw[] }
> = {
  name: "check-steps",
  encode: (repair, run, packed) => [EVENTS_KEPT, repair ? 1 : 0, run, ...packed],
  decode(reply) {
    const [sums, told] = reply as [string, unknown];
    return { sums: JSON.parse(sums) as Sums, problems: flawsOf(told) };
  },
};

/** A large run as a whole; `last` are the differences that the last recount found. */
interface Whole {
  readonly run: string;
  readonly sums: Sums;
  readonly last: readonly string[];
  readonly bodies: readonly string[];
  readonly names: readonly string[];
}

export const sumsScript: Script<[repair: boolean, whole: Whole], { unsure: string[]; problems: Flaw[] }> = {
  name: "check-sums",
  encode: (repair, { run, sums, last, bodies, names }) => [
    EVENTS_KEPT,
    repair ? 1 : 0,
    run,
    JSON.stringify(sums),
    last.join(RS),
    bodies.length,
    ...bodies,
    ...names,
  ],
  decode(reply) {
    const [unsure, told] = reply as [string[], unknown];
    return { unsure, problems: flawsOf(told) };
  },
};
