import { type FairQueues, JobbersError, quoted, type Store } from "@jobbers/core";
import { createUpkeep, type Found, type UpkeepOptions, watchTimers } from "@jobbers/upkeep";
import {
  consoleLog,
  createWorker,
  hostIdentity,
  type WorkerOptions as PoolOptions,
  processBirth,
  type StopOptions,
  type Worker,
  type WorkerStats,
} from "@jobbers/worker";

/** What `jobbers.worker()` takes. */
export interface WorkerOptions extends Omit<PoolOptions, "store" | "fairQueues"> {
  /** How long, and how many, ended runs are kept, by outcome; default: as `@jobbers/upkeep` says. */
  readonly retention?: UpkeepOptions["retention"];
  /**
   * How far two looks for lost workers are apart, in milliseconds, at least 100; default 5 s. A worker on another machine counts as
   * lost when two of them found its lease ended. Give all workers of a store the same.
   */
  readonly sweepMs?: UpkeepOptions["sweepMs"];
}

/** A worker that also does its share of the store's upkeep. */
export interface JobbersWorker extends AsyncDisposable {
  /** What it is called in listings. */
  readonly name: string;
  /**
   * Begins to take steps; may be called again after a stop.
   *
   * @throws JobbersError `store-busy` or `store-unwritable` when the store does not answer for 5 s
   */
  start(): Promise<void>;
  /**
   * Takes nothing new, waits for running handlers (their grace time, in milliseconds), and gives the rest back without costing
   * a try. Called again with `giveBack` while it waits, it waits no longer.
   */
  stop(options?: StopOptions): Promise<void>;
  /** What it is doing just now. */
  stats(): WorkerStats;
}

/**
 * Makes a worker and an upkeep on one store, started and stopped together.
 *
 * @param fairQueues what says whose turn steps take in some queues, where their tasks say nothing themselves
 * @param live holds the worker from its start to the end of its stop, so that who closes the store can stop it
 * @throws JobbersError `flag-invalid` or `definition-invalid`
 */
export function createJobbersWorker(
  store: Store,
  options: WorkerOptions,
  live: Set<JobbersWorker>,
  fairQueues?: FairQueues,
): JobbersWorker {
  const host = options.host ?? hostIdentity();
  const { retention, sweepMs, log, random } = options;
  const upkeep = createUpkeep({
    ...{ store, host, birthOf: processBirth, retention, log, random },
    sweepMs: checkSweep(sweepMs),
    onFirst: (found) => void tellStart(store, pool, options, found),
  });
  // A stop that ends after the worker was started again must not make it forgotten.
  let starts = 0;
  // A retry, or a run that somebody has scheduled, may be due sooner than upkeep would look by itself.
  const environment = options.environment ?? process.env;
  const pool = createWorker({
    ...options,
    fairQueues,
    host,
    environment,
    store: watchTimers(store, upkeep.due, upkeep.opens),
  });
  const worker: JobbersWorker = {
    name: pool.stats().name,
    async start() {
      const own = ++starts;
      live.add(worker);
      try {
        await pool.start();
        await upkeep.start();
      } catch (error) {
        if (starts === own && pool.stats().state === "idle") live.delete(worker);
        throw error;
      }
    },
    // Upkeep goes on while the pool drains: what it waits for may need a timer.
    async stop(how) {
      const last = starts;
      await pool.stop(how);
      await upkeep.stop();
      if (starts === last) live.delete(worker);
    },
    stats: () => pool.stats(),
    [Symbol.asyncDispose]: () => worker.stop(),
  };
  return worker;
}

/** Says what a start found and recovered, in one line and one event: hints both, for which nobody waits. */
async function tellStart(store: Store, pool: Worker, options: WorkerOptions, found: Found): Promise<void> {
  const { name, session, queues } = pool.stats();
  const log = options.log ?? consoleLog();
  if (session === undefined) return;
  try {
    const own = new Set(queues);
    const depths = (await store.listQueues()).filter((queue) => own.has(queue.name));
    const start = { ...found, waiting: depths.reduce((sum, { ready }) => sum + ready, 0) };
    const told = Object.fromEntries(Object.entries(start).filter(([, count]) => count > 0));
    log.info(`worker ${name} has started`, { session, ...told });
    await store.announce(session, start);
  } catch (error) {
    if ((error as JobbersError).code === "store-closed") return;
    log.debug("what the start found could not be told", { error: (error as Error).message });
  }
}

function checkSweep(sweepMs: number | undefined): number | undefined {
  if (sweepMs === undefined || sweepMs >= 100) return sweepMs;
  const form = "a number of milliseconds, at least 100";
  throw new JobbersError("flag-invalid", `the worker's sweepMs is ${quoted(sweepMs)}; it takes ${form}`);
}
