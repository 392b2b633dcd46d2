import type { Life } from "./crew.js";
import type { Fault } from "./fault.js";
import { type HandlerLine, type IntakeLine, isOfHandler, type WorkLine } from "./ledgers.js";
import type { Lag } from "./machine-lag.js";
import type { Terms } from "./terms.js";

/** Everything that a verdict is made of, apart from the store itself. */
export interface Evidence {
  readonly terms: Terms;
  readonly intake: readonly IntakeLine[];
  readonly work: readonly WorkLine[];
  /** Lines of either ledger that are no JSON. */
  readonly torn: number;
  readonly faults: readonly Fault[];
  readonly lives: readonly Life[];
  /** When the machine itself was late. */
  readonly lags: readonly Lag[];
  /** How often the feed told that a run ended; undefined where a part of the feed was missed. */
  readonly ends: ReadonlyMap<string, number> | undefined;
}

/** Something that must not be, with the run to look at where there is one. */
export interface Violation {
  readonly what: string;
  readonly run?: string | undefined;
  /** Which kind of fault it is counted under. */
  readonly kind?: string | undefined;
  readonly class: "lost" | "executed again" | "accepted twice" | "recovery" | "other";
}

/** The handlers' lines by run and step, in the order in which they were written. */
export function executionsOf(
  work: readonly WorkLine[],
): ReadonlyMap<string, ReadonlyMap<string, HandlerLine[]>> {
  const runs = new Map<string, Map<string, HandlerLine[]>>();
  for (const line of work) {
    if (!isOfHandler(line)) continue;
    const steps = runs.get(line.run) ?? new Map<string, HandlerLine[]>();
    runs.set(line.run, steps);
    const lines = steps.get(line.step) ?? [];
    steps.set(line.step, lines);
    lines.push(line);
  }
  return runs;
}

/** The fault that was under way, or had begun last, at a moment; what is lost around it is counted under its kind. */
export function kindAround(faults: readonly Fault[], at: number): string | undefined {
  return latest(faults.filter((fault) => fault.at <= at))?.kind;
}

/** A process that goes on may yet start what it was handed before, and only then learn that it has lost it. */
export const LINGER_MS = 1_000;

function latest(faults: readonly Fault[]): Fault | undefined {
  return faults.reduce<Fault | undefined>(
    (last, each) => (last && last.at > each.at ? last : each),
    undefined,
  );
}
