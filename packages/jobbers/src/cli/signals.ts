import { constants } from "node:os";

/** What is done at a signal that asks this process to end. */
export interface Endings {
  /** At the first signal: finish what runs, take nothing new. */
  drain(signal: NodeJS.Signals): void;
  /** At the second one: give back what runs, and leave. */
  leave(signal: NodeJS.Signals): void;
}

const asked: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGQUIT"];

/** Listens for the signals that ask a process to end; answers how to stop listening. */
export function onEndSignals(endings: Endings): () => void {
  let seen = 0;
  const listener = (signal: NodeJS.Signals) => {
    seen += 1;
    if (seen === 1) endings.drain(signal);
    else endings.leave(signal);
  };
  for (const signal of asked) process.on(signal, listener);
  return () => {
    for (const signal of asked) process.off(signal, listener);
  };
}

/** The exit code by which shells report a process that a signal ended. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
