import type { TaskLog } from "@jobbers/core";
import { pause } from "./pause.js";

/**
 * A loop with a beginning and an end:
 *
 *   stopped ──start──▶ tick ──▶ pause ──▶ tick … ──stop──▶ (the tick under way ends) ──▶ stopped
 *                        └─ rejected: logged once a kind, the pause doubles up to a minute ─┘
 *
 * Each start is a life of its own, and lives follow one another: however starts and stops are interleaved, at most one tick
 * is under way, the last call decides, and a stop resolves when everything started before it is over.
 */
export abstract class Actor {
  readonly #log: TaskLog;
  readonly #random: () => number;
  #life: AbortController | undefined;
  #over: Promise<void> = Promise.resolve();
  #waking = new AbortController();
  #told: string | undefined;

  constructor(options: ActorOptions) {
    this.#log = options.log ?? silent;
    this.#random = options.random ?? Math.random;
  }

  /** What it is called in logs. */
  protected abstract readonly name: string;

  /**
   * Does its work once; answers the pause until the next time, in milliseconds.
   *
   * @param signal aborts when it is to end soon
   */
  protected abstract tick(signal: AbortSignal): Promise<number>;

  /** Begins to tick, at once; resolves when it has begun. */
  async start(): Promise<void> {
    if (this.#life && !this.#life.signal.aborted) return;
    const life = new AbortController();
    this.#life = life;
    this.#over = this.#over.then(() => this.#live(life.signal));
  }

  /** Ends; resolves when no tick is under way and no timer is left. */
  async stop(): Promise<void> {
    this.#life?.abort();
    this.wake();
    await this.#over;
  }

  /** Ends the present pause. */
  wake(): void {
    this.#waking.abort();
  }

  /** A little more than so long, so that many of a kind do not march in step. */
  protected jittered(ms: number): number {
    return ms * (1 + this.#random() / 5);
  }

  async #live(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      // What wakes or stops it while it ticks spares it the pause that follows.
      this.#waking = new AbortController();
      let pauseMs: number;
      try {
        pauseMs = await this.tick(signal);
        failures = 0;
        this.#told = undefined;
      } catch (error) {
        failures += 1;
        this.#tellOnce(error);
        pauseMs = this.jittered(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures));
      }
      await pause(pauseMs, this.#waking.signal);
    }
  }

  #tellOnce(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#told) return;
    this.#told = message;
    this.#log.warn(`the ${this.name} did not succeed; trying on`, { error: message });
  }
}

/** What every actor takes. */
export interface ActorOptions {
  /** Default: nothing is logged. */
  readonly log?: TaskLog | undefined;
  /** Answers numbers from 0 up to, not including, 1; for jitter. */
  readonly random?: (() => number) | undefined;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 60_000;

const silent: TaskLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
