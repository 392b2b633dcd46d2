import type { Store } from "@jobbers/core";
import { createUpkeep, type UpkeepOptions, watchTimers } from "@jobbers/upkeep";
import {
  createWorker,
  hostIdentity,
  type WorkerOptions as PoolOptions,
  type StopOptions,
  type WorkerStats,
} from "@jobbers/worker";

/** What `jobbers.worker()` takes. */
export interface WorkerOptions extends Omit<PoolOptions, "store"> {
  /** How long, and how many, ended runs are kept, by outcome; default: as `@jobbers/upkeep` says. */
  readonly retention?: UpkeepOptions["retention"];
}

/** A worker that also does its share of the store's upkeep. */
export interface JobbersWorker extends AsyncDisposable {
  /** What it is called in listings. */
  readonly name: string;
  /** Begins to take steps; may be called again after a stop. */
  start(): Promise<void>;
  /**
   * Takes nothing new, waits for running handlers (their grace time, in milliseconds), and gives the rest back without costing
   * a try. Called again with `giveBack` while it waits, it waits no longer.
   */
  stop(options?: StopOptions): Promise<void>;
  /** What it is doing just now. */
  stats(): WorkerStats;
}

/** Makes a worker and an upkeep on one store, started and stopped together. */
export function createJobbersWorker(store: Store, options: WorkerOptions): JobbersWorker {
  const host = options.host ?? hostIdentity();
  const { retention, log, random } = options;
  const upkeep = createUpkeep({ store, host, retention, log, random });
  // A retry, or a run that somebody has scheduled, may be due sooner than upkeep would look by itself.
  const pool = createWorker({ ...options, host, store: watchTimers(store, upkeep.due) });
  return {
    name: pool.stats().name,
    async start() {
      await pool.start();
      await upkeep.start();
    },
    // Upkeep goes on while the pool drains: what it waits for may need a timer.
    async stop(how) {
      await pool.stop(how);
      await upkeep.stop();
    },
    stats: () => pool.stats(),
    async [Symbol.asyncDispose]() {
      await this.stop();
    },
  };
}
