import type { Progress, StepAddress } from "@jobbers/core";
import { refuseApart } from "./apart/trap.js";
import type { Attempt } from "./attempt.js";
import { drain } from "./drain.js";
import { type Settings, settingsOf, type WorkerOptions } from "./options.js";
import { untilAnswered } from "./persistence.js";
import { Pool } from "./pool.js";
import type { ReportCounts } from "./reporter.js";
import { pause } from "./waiting.js";

/**
 * A worker's state; a stopped one may be started again.
 *
 *   idle ──start──▶ starting ──▶ running ──stop──▶ stopping ──▶ idle
 *                      └── the store does not answer ──▶ idle
 */
export type WorkerState = "idle" | "starting" | "running" | "stopping";

/** How a worker is to stop. */
export interface StopOptions {
  /** How long to wait for running handlers, in milliseconds; default: the worker's own. */
  readonly graceMs?: number | undefined;
  /** Wait for nothing; give everything back at once. */
  readonly giveBack?: boolean | undefined;
}

/** What a worker is doing. */
export interface WorkerStats {
  readonly state: WorkerState;
  readonly name: string;
  readonly session?: string | undefined;
  /** False while its session may have ended. */
  readonly trusted: boolean;
  readonly concurrency: number;
  readonly queues: readonly string[];
  /** The role that says which queues these are. */
  readonly role?: string | undefined;
  /** Slots in use, those of abandoned handlers included. */
  readonly busy: number;
  /** Steps that it has taken and that wait for a slot, and how many it would take ahead as things are. */
  readonly waiting: number;
  readonly ahead: number;
  /** Handlers that run on although their attempt was reported. */
  readonly abandoned: number;
  /** Pieces of control work under way. */
  readonly control: number;
  /** Steps that it holds, those with reports on their way included. */
  readonly held: number;
  /** How long the event loop has been busy with one thing, in milliseconds. */
  readonly loopSilentMs: number;
  readonly exchanges: number;
  readonly reports: ReportCounts | undefined;
  /** How many hooks threw or rejected; the log says which. */
  readonly hookFailures: number;
  readonly running: readonly RunningAttempt[];
}

export interface RunningAttempt {
  readonly run: string;
  readonly step: StepAddress;
  readonly task: string;
  readonly attempt: number;
  readonly forMs: number;
  readonly abandoned: boolean;
  /** What `ctx.heartbeat` said last. */
  readonly progress?: Progress | undefined;
}

export interface Worker {
  readonly state: WorkerState;
  /**
   * Opens a session and begins to take steps. Waits for a stop under way.
   *
   * @throws JobbersError `store-busy` or `store-unwritable` when the store does not answer for 5 s, or until a stop; what a store says
   * that refuses the worker; `module-unusable` in a module that was loaded to run an isolated handler
   */
  start(): Promise<void>;
  /**
   * Takes nothing new, waits for running handlers, gives the rest back without costing a try, and ends the session. May be called
   * again while it waits: with `giveBack`, or a shorter time, that holds from then on. Never rejects because of the store.
   */
  stop(options?: StopOptions): Promise<void>;
  stats(): WorkerStats;
}

/**
 * Makes a worker: it takes ready steps from a store and runs them.
 *
 * @throws JobbersError `flag-invalid` or `definition-invalid`
 * @example
 * const worker = createWorker({ store, workflows: [crawl], concurrency: 100 });
 * await worker.start();
 * process.once("SIGTERM", () => worker.stop());
 */
export function createWorker(options: WorkerOptions): Worker {
  return new RestartableWorker(settingsOf(options));
}

class RestartableWorker implements Worker {
  readonly #settings: Settings;
  #pool: Pool | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #opening = new AbortController();
  #hurry = new AbortController();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get state(): WorkerState {
    if (this.#stopping) return "stopping";
    if (this.#starting) return "starting";
    return this.#pool && !this.#pool.ended ? "running" : "idle";
  }

  async start(): Promise<void> {
    refuseApart();
    await this.#stopping;
    if (this.#pool && !this.#pool.ended) return;
    this.#starting ??= this.#open().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  async stop({ graceMs, giveBack = false }: StopOptions = {}): Promise<void> {
    const givenMs = giveBack ? 0 : graceMs;
    if (this.#stopping && givenMs !== undefined) this.#hurryAfter(givenMs);
    this.#stopping ??= this.#close(givenMs ?? this.#settings.graceMs).finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  stats(): WorkerStats {
    const pool = this.#pool;
    const running = [...(pool?.executor.running ?? [])].map(describe);
    return {
      ...{ state: this.state, name: this.#settings.name, running },
      ...{ concurrency: this.#settings.concurrency, queues: pool?.serving.queues ?? this.#settings.queues },
      role: this.#settings.role,
      session: pool?.keeper.id,
      trusted: pool?.keeper.trusted ?? false,
      busy: pool?.slots.taken ?? 0,
      waiting: pool?.slots.waiting ?? 0,
      ahead: pool?.pace.ahead ?? 0,
      abandoned: running.filter(({ abandoned }) => abandoned).length,
      control: pool?.control.busy ?? 0,
      held: pool?.ledger.size ?? 0,
      loopSilentMs: pool?.keeper.silentMs ?? 0,
      exchanges: pool?.lanes.reduce((sum, { answered }) => sum + answered, 0) ?? 0,
      reports: pool?.reporter.counts,
      hookFailures: pool?.hooks?.failures ?? 0,
    };
  }

  async #open(): Promise<void> {
    this.#opening = new AbortController();
    this.#pool = await Pool.open(this.#settings, this.#opening.signal);
  }

  async #close(graceMs: number): Promise<void> {
    this.#hurry = new AbortController();
    this.#opening.abort();
    await this.#starting?.catch(() => {});
    const pool = this.#pool;
    if (!pool) return;
    const { store, log, random } = this.#settings;
    // A reply can be lost here as anywhere; a session that is left open keeps its steps from others until it expires.
    const close = (signal: AbortSignal) =>
      untilAnswered("closeSession", () => store.closeSession(pool.keeper.id), { random, log, signal });
    const trouble = await drain(pool, graceMs, this.#hurry.signal, close);
    if (trouble !== undefined) log.warn("the session was not closed; it will expire", { error: trouble });
    this.#hurry.abort();
    this.#pool = undefined;
  }

  #hurryAfter(graceMs: number): void {
    const hurry = this.#hurry;
    if (graceMs <= 0) hurry.abort();
    else void pause(graceMs, hurry.signal).then(() => hurry.abort());
  }
}

function describe({ lease, grant, startedMs, reported, progress }: Attempt): RunningAttempt {
  const { run, address: step, fence: attempt } = lease;
  const forMs = performance.now() - startedMs;
  return { run, step, task: grant.needs, attempt, forMs, abandoned: reported, progress };
}
