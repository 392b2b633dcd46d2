import type { Store } from "@jobbers/core";
import { Actor, type ActorOptions } from "./actor.js";
import { pause } from "./pause.js";

export interface PromoterOptions extends ActorOptions {
  readonly store: Pick<Store, "promoteDue">;
  /** How long it waits at most before it looks again, in milliseconds; default 5 s. */
  readonly pollMs?: number | undefined;
  /** Told after the first look of each start how many timers were overdue. */
  readonly onFirst?: ((promoted: number) => void) | undefined;
}

/** The most timers that one call of the store fires. */
const LIMIT = 500;

/** It does not look more often than this, whatever the store says, in milliseconds. */
const SHORTEST_PAUSE_MS = 5;

/** How much later than who was told to ask again it looks whether a limit has opened, in milliseconds: they may be busy by then. */
const GRACE_MS = 50;

/** The longest that a timer of Node.js can take; the poll comes long before. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;

/**
 * Makes delayed runs and retries ready when they are due. It sleeps until the next timer of the store. Others may set an earlier
 * one meanwhile: `due()` tells of that, and the poll stands behind it; `wake()` makes it look at once.
 */
export class Promoter extends Actor {
  protected readonly name = "promoter";
  readonly #store: PromoterOptions["store"];
  readonly #pollMs: number;
  readonly #onFirst: (promoted: number) => void;
  #isFirst = true;
  /** When it looks next, on the monotonic clock; nothing is early enough for one that is stopped. */
  #nextMs = Number.NEGATIVE_INFINITY;
  #alarm: NodeJS.Timeout | undefined;
  #opening: NodeJS.Timeout | undefined;

  constructor(options: PromoterOptions) {
    super(options);
    this.#store = options.store;
    this.#pollMs = options.pollMs ?? 5_000;
    this.#onFirst = options.onFirst ?? (() => {});
  }

  /** Hears that a timer of the store is due in so many milliseconds: it looks then, unless it does so before. */
  due(inMs: number): void {
    const waitMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, Math.ceil(inMs)));
    const atMs = performance.now() + waitMs;
    // Each exchange tells of the same timer, to the millisecond: that is no news.
    if (atMs > this.#nextMs - SHORTEST_PAUSE_MS) return;
    this.#nextMs = atMs;
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => this.wake(), waitMs);
  }

  /**
   * Hears that a limit opens in so many milliseconds. Whoever was refused by it asks again then, and is told of the next: so the newest
   * counts, and only where nobody has asked there is anything to do.
   */
  opens(inMs: number): void {
    if (this.#nextMs === Number.NEGATIVE_INFINITY) return;
    clearTimeout(this.#opening);
    this.#opening = setTimeout(() => this.wake(), Math.min(LONGEST_PAUSE_MS, Math.ceil(inMs) + GRACE_MS));
  }

  override async stop(): Promise<void> {
    // At once: when the last tick is over, it may have been started again, and then waits for timers already.
    this.#expect(Number.NEGATIVE_INFINITY);
    clearTimeout(this.#opening);
    await super.stop();
    this.#isFirst = true;
  }

  protected async tick(signal: AbortSignal): Promise<number> {
    // What is told of from now on may come too late for this look.
    this.#expect(Number.POSITIVE_INFINITY);
    const pauseMs = await this.#promote(signal);
    this.#nextMs = Math.min(this.#nextMs, performance.now() + pauseMs);
    return pauseMs;
  }

  #expect(nextMs: number): void {
    clearTimeout(this.#alarm);
    this.#nextMs = nextMs;
  }

  async #promote(signal: AbortSignal): Promise<number> {
    for (let total = 0; ; ) {
      const { promoted, nextDueMs, opensInMs } = await this.#store.promoteDue(LIMIT);
      if (opensInMs !== undefined && !signal.aborted) this.opens(opensInMs);
      total += promoted;
      if (promoted < LIMIT || signal.aborted) {
        if (this.#isFirst) this.#onFirst(total);
        this.#isFirst = false;
        const pollMs = this.jittered(this.#pollMs);
        return nextDueMs === undefined
          ? pollMs
          : Math.min(pollMs, Math.max(SHORTEST_PAUSE_MS, Math.ceil(nextDueMs)));
      }
      // There may be thousands: others get a turn in between.
      await pause(0, signal);
    }
  }
}
