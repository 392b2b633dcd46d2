import type { Liveness, StepState } from "@jobbers/core";
import type { StepProgress } from "@jobbers/runs";
import { count } from "./progress-lines.js";
import { troubleOf } from "./running-lines.js";

/** As much of a run as tells how its running steps are. */
export interface RunningSteps {
  steps(options: {
    readonly states: readonly StepState[];
  }): AsyncIterable<{ readonly name: string; readonly liveness?: Liveness | undefined }>;
}

/** How many running steps are looked at: what is the matter with many shows in the first. */
const MAX_LOOKED = 200;

/**
 * Says what is the matter with the running steps inside of maps, by name: `2 slow, 1 frozen`. Looks at most so often, since that
 * reads records where all else reads counts.
 */
export function createTroubles(run: RunningSteps, everyMs: number) {
  let known: ReadonlyMap<string, string> = new Map();
  let lookedMs = Number.NEGATIVE_INFINITY;
  return async (progress: readonly StepProgress[], nowMs: number): Promise<ReadonlyMap<string, string>> => {
    const isWanted = progress.some(({ depth, counts }) => depth > 0 && (counts.running ?? 0) > 0);
    if (!isWanted) return new Map();
    if (nowMs - lookedMs < everyMs) return known;
    lookedMs = nowMs;
    known = await read(run);
    return known;
  };
}

async function read(run: RunningSteps): Promise<ReadonlyMap<string, string>> {
  const sums = new Map<string, Map<string, number>>();
  let looked = 0;
  for await (const { name, liveness } of run.steps({ states: ["running"] })) {
    const trouble = troubleOf(liveness);
    const of = sums.get(name) ?? new Map<string, number>();
    if (trouble !== undefined) sums.set(name, of.set(trouble, (of.get(trouble) ?? 0) + 1));
    if (++looked === MAX_LOOKED) break;
  }
  return new Map([...sums].map(([name, of]) => [name, inWords(of)]));
}

function inWords(of: ReadonlyMap<string, number>): string {
  return [...of].map(([trouble, n]) => `${count(n)} ${trouble}`).join(", ");
}
