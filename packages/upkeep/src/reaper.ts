import { type Store, type Sweep, supersededOf, type TaskLog, type WorkerRecord } from "@jobbers/core";
import { Actor, type ActorOptions } from "./actor.js";
import { pause } from "./pause.js";

export interface ReaperOptions extends ActorOptions {
  readonly store: Pick<Store, "reapSessions" | "listWorkers" | "readTime">;
  /** How far sweeps are apart, in milliseconds; default 5 s. */
  readonly sweepMs?: number | undefined;
  /** Which machine this is: workers of other machines are left alone, but for those that had the name of one in this process. Default: none is. */
  readonly host?: string | undefined;
  /** True for a worker that is known to be gone, so that its lease need not be waited for; default: none is. */
  readonly isGone?: ((worker: WorkerRecord) => boolean) | undefined;
  /** Told after the first sweep of each start. */
  readonly onFirst?: ((taken: Taken) => void) | undefined;
}

/** What sweeps took from lost sessions. */
export interface Taken {
  readonly lostSessions: number;
  readonly returned: number;
  readonly quarantined: number;
}

/** The most steps that one call of the store takes back. */
const LIMIT = 500;

/** It does not look more often than this for a worker that came back, in milliseconds. */
const SHORTEST_PAUSE_MS = 100;

/** Gives the steps of workers that vanished to others. Its first sweep is at once: so a restarted process finds its own past. */
export class Reaper extends Actor {
  protected readonly name = "reaper";
  readonly #store: ReaperOptions["store"];
  readonly #sweepMs: number;
  readonly #host: string | undefined;
  /** The names of the workers in this process, as far as the last look knew. */
  #names: readonly string[] = [];
  readonly #isGone: (worker: WorkerRecord) => boolean;
  readonly #onFirst: (taken: Taken) => void;
  readonly #log: TaskLog | undefined;
  #isFirst = true;

  constructor(options: ReaperOptions) {
    super(options);
    this.#store = options.store;
    this.#sweepMs = options.sweepMs ?? 5_000;
    this.#host = options.host;
    this.#isGone = options.isGone ?? (() => false);
    this.#onFirst = options.onFirst ?? (() => {});
    this.#log = options.log;
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.#isFirst = true;
  }

  protected async tick(signal: AbortSignal): Promise<number> {
    const workers = await this.#workers();
    const gone = workers.filter((worker) => this.#isGone(worker)).map(({ session }) => session);
    const { unheard, soonMs } = await this.#unheard(workers);
    const taken = { lostSessions: 0, returned: 0, quarantined: 0 };
    for (let more = true; more && !signal.aborted; ) {
      const reaped = await this.#store.reapSessions({
        sweepMs: this.#sweepMs,
        limit: LIMIT,
        gone: gone.slice(0, LIMIT),
        ...(unheard.length > 0 && { unheard: unheard.slice(0, LIMIT) }),
      });
      taken.lostSessions += reaped.sessions.length;
      taken.returned += reaped.returned;
      taken.quarantined += reaped.quarantined;
      more = reaped.more;
      if (more) await pause(0, signal);
    }
    this.#tell(taken);
    // Two sweeps make a session lost when they are `sweepMs` apart: a little later is right, a little earlier is for nothing.
    return Math.min(this.jittered(this.#sweepMs), soonMs);
  }

  /** Those that this sweep is about: each worker's sees to its own host and name, so that many cost no more than one. */
  async #workers(): Promise<readonly WorkerRecord[]> {
    const host = this.#host;
    if (host === undefined) return this.#store.listWorkers();
    for (;;) {
      const asked = new Set(this.#names);
      const found = await this.#store.listWorkers({ host, workers: this.#names });
      const own = found.filter((worker) => worker.host === host && worker.pid === process.pid);
      this.#names = [...new Set(own.map(({ worker }) => worker))];
      if (this.#names.every((name) => asked.has(name))) return found;
    }
  }

  /** What the first sweep took belongs to what the start found. */
  #tell(taken: Taken): void {
    if (this.#isFirst) this.#onFirst(taken);
    else if (taken.lostSessions + taken.returned + taken.quarantined > 0)
      this.#log?.info("took the steps of lost workers back", { ...taken });
    this.#isFirst = false;
  }

  /** Sessions whose worker came back under its name and that have missed a renewal; and how long until the next may be one. */
  async #unheard(
    workers: readonly WorkerRecord[],
  ): Promise<{ unheard: NonNullable<Sweep["unheard"]>; soonMs: number }> {
    const superseded = supersededOf(workers);
    if (superseded.length === 0) return { unheard: [], soonMs: Number.POSITIVE_INFINITY };
    const nowMs = await this.#store.readTime();
    const later = superseded.filter(({ lostAtMs }) => lostAtMs > nowMs);
    return {
      unheard: superseded.filter(({ lostAtMs }) => lostAtMs <= nowMs),
      soonMs: Math.max(SHORTEST_PAUSE_MS, Math.min(...later.map(({ lostAtMs }) => lostAtMs - nowMs + 1))),
    };
  }
}

/**
 * Tells which workers of the same host have no process any more. A pid that was given away again is told by when its process began;
 * where that is not known, it counts as alive.
 *
 * @param birthOf when a process of this host began: `processBirth` of the worker
 */
export function goneFrom(
  host: string,
  birthOf: (pid: number) => string | undefined = () => undefined,
): (worker: Pick<WorkerRecord, "host" | "pid" | "birth">) => boolean {
  return ({ host: itsHost, pid, birth }) => {
    if (itsHost !== host) return false;
    const found = birth === undefined ? undefined : birthOf(pid);
    return found === undefined ? !isAlive(pid) : found !== birth;
  };
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
