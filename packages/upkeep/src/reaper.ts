import type { Store, WorkerRecord } from "@jobbers/core";
import { Actor, type ActorOptions } from "./actor.js";
import { pause } from "./pause.js";

export interface ReaperOptions extends ActorOptions {
  readonly store: Pick<Store, "reapSessions" | "listWorkers">;
  /** How far sweeps are apart, in milliseconds; default 5 s. */
  readonly sweepMs?: number | undefined;
  /** True for a worker that is known to be gone, so that its lease need not be waited for; default: none is. */
  readonly isGone?: ((worker: WorkerRecord) => boolean) | undefined;
}

/** The most steps that one call of the store takes back. */
const LIMIT = 500;

/** Gives the steps of workers that vanished to others. Its first sweep is at once: so a restarted process finds its own past. */
export class Reaper extends Actor {
  protected readonly name = "reaper";
  readonly #store: ReaperOptions["store"];
  readonly #sweepMs: number;
  readonly #isGone: (worker: WorkerRecord) => boolean;

  constructor(options: ReaperOptions) {
    super(options);
    this.#store = options.store;
    this.#sweepMs = options.sweepMs ?? 5_000;
    this.#isGone = options.isGone ?? (() => false);
  }

  protected async tick(signal: AbortSignal): Promise<number> {
    const workers = await this.#store.listWorkers();
    const gone = workers.filter((worker) => this.#isGone(worker)).map(({ session }) => session);
    for (let more = true; more && !signal.aborted; ) {
      ({ more } = await this.#store.reapSessions({
        sweepMs: this.#sweepMs,
        limit: LIMIT,
        gone: gone.slice(0, LIMIT),
      }));
      if (more) await pause(0, signal);
    }
    // Two sweeps make a session lost when they are `sweepMs` apart: a little later is right, a little earlier is for nothing.
    return this.jittered(this.#sweepMs);
  }
}

/** Tells which workers of the same host have no process any more; a pid that was given away again counts as alive. */
export function goneFrom(host: string): (worker: Pick<WorkerRecord, "host" | "pid">) => boolean {
  return (worker) => worker.host === host && !isAlive(worker.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Someone else's process may not be asked, but it is there.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
