import type { ClientRun } from "@jobbers/client";
import type { Output } from "./output.js";

/** A run, as far as it takes to tell that it stands still, and why. */
export type Explained = Pick<ClientRun, "progress" | "explain">;

/** How long a run stands still before somebody who waits for it is told why. */
const STILL_MS = 5_000;

/**
 * Notes once why a run is not further, when for some seconds none of its steps has run or settled: nobody works there, or it waits
 * for something. Answers how to stop.
 */
export function noteStall(run: Explained, output: Pick<Output, "note">, stillMs = STILL_MS): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let settled = Number.NaN;
  const look = async () => {
    const steps = await run.progress({ signal });
    const before = settled;
    settled = steps.reduce((all, step) => all + step.settled, 0);
    if (settled !== before || steps.some(({ counts }) => (counts.running ?? 0) > 0)) return again();
    const { sentence } = await run.explain(undefined, { signal });
    if (!signal.aborted) output.note(sentence);
  };
  const again = () => {
    if (!signal.aborted) timer = setTimeout(() => void look().catch(again), stillMs);
  };
  // A run that cannot be looked at is for whoever awaits its end to tell of.
  void look().catch(again);
  return () => {
    stopping.abort();
    clearTimeout(timer);
  };
}
