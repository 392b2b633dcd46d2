import { setTimeout as sleep } from "node:timers/promises";
import type { TaskContext } from "jobbers";
import type { HandlerLine, WorkLine } from "./ledgers.js";
import type { LineFile } from "./line-file.js";

/** What a handler returns: its value, and which execution it comes from (`STEP#FENCE`). */
export interface Said {
  readonly v: number;
  readonly by: string;
}

/** What workers hand to handlers. */
export interface PerformingDeps {
  readonly ledger: LineFile<WorkLine>;
}

/** True where handlers give up when they are told to; all others go on to their end, and report it. */
export function isCareful(run: string): boolean {
  return run.charCodeAt(run.length - 1) % 2 === 0;
}

/**
 * Does what every handler of this bench does: says in ledger B that it started and whose outputs it was given, takes its time,
 * and says how it ended. Only careful handlers give up when they are aborted; careless ones exist, too.
 */
export async function perform(
  ctx: TaskContext,
  ms: number,
  parents: readonly Said[],
  value: () => number,
): Promise<Said> {
  const { ledger } = ctx.deps as PerformingDeps;
  const { run, step, attempt: fence, tries } = ctx;
  const saw = parents.map(({ by }) => by);
  const tell = (type: HandlerLine["type"]) =>
    ledger.append([{ type, at: Date.now(), pid: process.pid, run, step, fence, tries, ms, saw }]);
  tell("started");
  try {
    await sleep(ms, undefined, isCareful(run) ? { signal: ctx.signal } : {});
    const said = { v: value(), by: `${step}#${fence}` };
    tell("finished");
    return said;
  } catch (error) {
    tell("threw");
    throw error;
  }
}
