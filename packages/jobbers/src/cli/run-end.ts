import { type ClientRun, RunCancelled, RunFailed } from "@jobbers/client";
import { EXIT_OTHERWISE } from "./error-report.js";
import type { ProgressView } from "./live-view.js";
import type { Output } from "./output.js";
import { onEndSignals } from "./signals.js";
import { noteStall } from "./stall-note.js";

/** How a command that waited for a run found it. */
export type RunEnd =
  | { readonly state: "succeeded"; readonly output: unknown }
  /** A signal came first; the run goes on. */
  | { readonly state: "left" };

/**
 * Waits for a run's end under a live view, and says why where it stands still; a signal ends only the waiting.
 *
 * @throws RunFailed, RunCancelled, JobbersHttpError
 */
export async function awaitEnd(
  run: ClientRun,
  output: Output,
  startView: () => ProgressView,
): Promise<RunEnd> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  const stopListening = onEndSignals({ drain: leave, leave });
  const view = startView();
  const stopNoting = noteStall(run, output);
  try {
    return { state: "succeeded", output: await run.result({ signal: leaving.signal }) };
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    return { state: "left" };
  } finally {
    stopNoting();
    await view.stop();
    stopListening();
  }
}

/** Says that a run goes on without the command that waited for it; answers the exit code. */
export async function tellLeft(run: ClientRun, output: Output): Promise<number> {
  output.note(`the run goes on without this command; jobbers show ${run.id} tells how far it is`);
  output.printJson({ id: run.id, state: (await run.status()).state });
  return EXIT_OTHERWISE;
}

/** True for how a run ends otherwise than well, as against errors on the way to it. */
export function isOutcome(error: unknown): error is RunFailed | RunCancelled {
  return error instanceof RunFailed || error instanceof RunCancelled;
}
