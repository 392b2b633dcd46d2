/**
 * How many steps to take before there are slots for them, so that small steps come in hundreds and none is kept from other workers
 * for long: as many as all slots together get through in 5 ms, by the moving average of how long handlers ran lately. Handlers
 * of 50 ms and more leave nothing to take ahead on ten slots, and an empty worker that knows nothing yet takes nothing ahead.
 */
export class Pace {
  #meanMs: number | undefined;
  /** How many handlers have to return before steps are taken ahead again. */
  #caution = 0;

  /** A handler has returned after so long, with so many steps. */
  returned(ms: number, steps = 1): void {
    const each = ms / steps;
    const weight = steps === 1 ? WEIGHT : 1 - (1 - WEIGHT) ** steps;
    this.#meanMs = this.#meanMs === undefined ? each : this.#meanMs + (each - this.#meanMs) * weight;
    this.#caution = Math.max(0, this.#caution - steps);
  }

  /** A step that was taken ahead has waited for so long: who is before it is slower than thought. */
  waited(ms: number): void {
    this.#meanMs = Math.max(this.#meanMs ?? 0, ms);
  }

  /** A step has lost its worker before. Should it take this one down as well, few others are to go with it. */
  warn(): void {
    this.#caution = CAUTION;
  }

  /** How many steps to take ahead of so many slots. */
  ahead(capacity: number): number {
    if (this.#meanMs === undefined || this.#caution > 0) return 0;
    return Math.min(MOST_AHEAD, Math.floor((capacity * AHEAD_MS) / Math.max(this.#meanMs, 0.001)));
  }
}

/** What the newest handler counts for in the average. */
const WEIGHT = 1 / 16;

/** How much work is taken ahead, in milliseconds. */
const AHEAD_MS = 5;

/** The most steps that are taken ahead: more of them in one call would keep a Redis from others. */
const MOST_AHEAD = 200;

/** For how many handlers the worker takes nothing ahead after it saw a step that was lost before. */
const CAUTION = 64;
