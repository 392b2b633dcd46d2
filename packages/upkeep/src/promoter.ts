import type { Store } from "@jobbers/core";
import { Actor, type ActorOptions } from "./actor.js";
import { pause } from "./pause.js";

export interface PromoterOptions extends ActorOptions {
  readonly store: Pick<Store, "promoteDue">;
  /** How long it waits at most before it looks again, in milliseconds; default 1 s. */
  readonly pollMs?: number | undefined;
}

/** The most timers that one call of the store fires. */
const LIMIT = 500;

/** It does not look more often than this, whatever the store says, in milliseconds. */
const SHORTEST_PAUSE_MS = 5;

/**
 * Makes delayed runs and retries ready when they are due. It sleeps until the next timer of the store, but no longer than the
 * poll, because others may set an earlier one; `wake()` makes it look at once.
 */
export class Promoter extends Actor {
  protected readonly name = "promoter";
  readonly #store: PromoterOptions["store"];
  readonly #pollMs: number;

  constructor(options: PromoterOptions) {
    super(options);
    this.#store = options.store;
    this.#pollMs = options.pollMs ?? 1_000;
  }

  protected async tick(signal: AbortSignal): Promise<number> {
    for (;;) {
      const { promoted, nextDueMs } = await this.#store.promoteDue(LIMIT);
      if (promoted < LIMIT || signal.aborted) {
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
