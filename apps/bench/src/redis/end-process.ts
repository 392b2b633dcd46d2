import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** How long it may take to go, in milliseconds. */
const PATIENCE_MS = 10_000;

/** Ends a process that was started here: asks, and kills it when it does not go. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await gone;
  clearTimeout(timer);
}
