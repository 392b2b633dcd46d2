import { isEnded, type RunState } from "@jobbers/core";
import type { JobbersWorker } from "../worker.js";
import type { Output } from "./output.js";
import { startProgress, type Viewed } from "./progress.js";
import { onEndSignals, signalExitCode } from "./signals.js";

/** A run as far as executing it goes: one of the store, or one behind a server of that store. */
export interface Executable<out O> extends Viewed {
  status(): Promise<{ readonly state: RunState }>;
  result(options?: { readonly signal?: AbortSignal | undefined }): Promise<O>;
}

/** A run that this process is to execute, or to go on with. */
export interface Execution<O> {
  readonly run: Executable<O>;
  /** Of the store that the run is in; started here, where it is not yet. */
  readonly worker: JobbersWorker;
  /** True when the worker goes on after a run that has succeeded; it stops otherwise. */
  readonly stays?: boolean | undefined;
  readonly output: Output;
}

/** What became of it: its result, or the signal that came before its end. */
export type Executed<O> =
  | { readonly status: "succeeded"; readonly result: O }
  | { readonly status: "interrupted"; readonly signal: NodeJS.Signals };

/**
 * Executes a run with a worker of this process, showing live progress, until it ends or a signal asks to leave.
 *
 * The worker takes what stands in its queues, so it may lend a hand to other runs of the store meanwhile. When its own run has
 * ended, it gives such steps back at once, at no cost to them. A run that has ended already is only read.
 *
 * @throws RunFailed, RunCancelled
 */
export async function executeRun<O>({
  run,
  worker,
  stays = false,
  output,
}: Execution<O>): Promise<Executed<O>> {
  if (isEnded((await run.status()).state)) return { status: "succeeded", result: await run.result() };
  let keepsWorker = false;
  const leaving = new AbortController();
  let interruptedBy: NodeJS.Signals | undefined;
  const stopListening = onEndSignals({
    drain(signal) {
      interruptedBy = signal;
      output.note(
        `${signal}: finishing what runs, then leaving; once more to give it back and leave at once`,
      );
      leaving.abort();
    },
    leave: (signal) =>
      void worker.stop({ giveBack: true }).finally(() => process.exit(signalExitCode(signal))),
  });
  const view = startProgress(run, output);
  try {
    if (worker.stats().state === "idle") await worker.start();
    const result = await run.result({ signal: leaving.signal });
    keepsWorker = stays;
    return { status: "succeeded", result };
  } catch (error) {
    if (error !== leaving.signal.reason) throw error;
  } finally {
    if (!keepsWorker) await worker.stop({ giveBack: interruptedBy === undefined });
    await view.stop();
    stopListening();
  }
  // What was finished while draining may have been the end of the run.
  if (isEnded((await run.status()).state)) return { status: "succeeded", result: await run.result() };
  return { status: "interrupted", signal: interruptedBy as NodeJS.Signals };
}
