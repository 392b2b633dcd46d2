/**
 * How many steps to take before there are slots for them, so that small steps come in hundreds and none is kept from other workers
 * for long: as many as have returned in 5 ms lately. A worker whose handlers take seconds takes nothing ahead, nor does one that is
 * stuck or knows nothing yet.
 */
export class Pace {
  readonly #now: () => number;
  /** The window that began last, and how many steps returned in it and in the one before. */
  #fromMs: number;
  #current = 0;
  #last = 0;
  /** How many steps have to return before others are taken ahead again. */
  #caution = 0;

  /** The clock answers milliseconds, and only moves forwards. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#fromMs = now();
  }

  /** A handler has returned, with so many steps. */
  returned(steps = 1): void {
    this.#turn();
    this.#current += steps;
    this.#caution = Math.max(0, this.#caution - steps);
  }

  /** A step that was taken ahead has waited too long: who is before it is slower than those who returned. */
  stalled(): void {
    this.#current = this.#last = 0;
  }

  /** A step has lost its worker before. Should it take this one down as well, few others are to go with it. */
  warn(): void {
    this.#caution = CAUTION;
  }

  /** How many steps to take ahead. */
  get ahead(): number {
    if (this.#caution > 0) return 0;
    const intoMs = this.#turn();
    return Math.min(MOST_AHEAD, Math.floor(((this.#last + this.#current) * AHEAD_MS) / (WINDOW_MS + intoMs)));
  }

  /** Begins the next window where it is time; answers how long the present one has lasted. */
  #turn(): number {
    const nowMs = this.#now();
    const intoMs = nowMs - this.#fromMs;
    if (intoMs < WINDOW_MS) return intoMs;
    this.#last = intoMs < 2 * WINDOW_MS ? this.#current : 0;
    this.#current = 0;
    this.#fromMs = nowMs;
    return 0;
  }
}

/** How long returns are counted, in milliseconds, before the next count begins. */
const WINDOW_MS = 50;

/** How much work is taken ahead, in milliseconds. */
const AHEAD_MS = 5;

/** The most steps that are taken ahead: more of them in one call would keep a Redis from others. */
const MOST_AHEAD = 200;

/** For how many steps the worker takes nothing ahead after it saw one that was lost before. */
const CAUTION = 64;
