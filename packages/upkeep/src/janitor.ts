import type { Retention, Store } from "@jobbers/core";
import { Actor, type ActorOptions } from "./actor.js";
import { pause } from "./pause.js";

export interface JanitorOptions extends ActorOptions {
  readonly store: Pick<Store, "purge" | "large">;
  /** How long, and how many, ended runs (by outcome) and dead letters are kept; what is left out is {@link DEFAULT_RETENTION}. */
  readonly retention?: Partial<Retention> | undefined;
  /** How often it looks, in milliseconds; default 1 min. */
  readonly everyMs?: number | undefined;
}

const DAY_MS = 86_400_000;

/** Succeeded runs 7 days, failed ones and dead letters 30 days, 100,000 of each; cancelled ones 7 days and 10,000. */
export const DEFAULT_RETENTION: Retention = {
  succeeded: { ageMs: 7 * DAY_MS, count: 100_000 },
  failed: { ageMs: 30 * DAY_MS, count: 100_000 },
  cancelled: { ageMs: 7 * DAY_MS, count: 10_000 },
  deadLetters: { ageMs: 30 * DAY_MS, count: 100_000 },
};

/** The most rows that one call of the store deletes. */
const LIMIT = 500;

/** Of how many runs what they have left elsewhere is deleted at a time. */
const SWEPT = 100;

/**
 * The rest between two calls while there is more, in milliseconds: cleaning up may take long, and must not be felt. It is three times
 * as long as the call took, so that the store has most of its time for others, however many janitors stand in line.
 */
const BREATH_MS = { least: 10, most: 1_000, times: 3 };

/** Deletes ended runs beyond their retention, a bit at a time, and then the large values that they have left elsewhere. */
export class Janitor extends Actor {
  protected readonly name = "janitor";
  readonly #store: JanitorOptions["store"];
  readonly #retention: Retention;
  readonly #everyMs: number;

  constructor(options: JanitorOptions) {
    super(options);
    this.#store = options.store;
    this.#retention = { ...DEFAULT_RETENTION, ...options.retention };
    this.#everyMs = options.everyMs ?? 60_000;
  }

  protected async tick(signal: AbortSignal): Promise<number> {
    for (let more = true; more && !signal.aborted; ) {
      const began = performance.now();
      ({ more } = await this.#store.purge(this.#retention, LIMIT));
      if (more) await pause(breathAfter(performance.now() - began), signal);
    }
    for (let more = true; more && !signal.aborted; ) more = (await this.#store.large?.sweep(SWEPT)) ?? false;
    return this.jittered(this.#everyMs);
  }
}

function breathAfter(tookMs: number): number {
  return Math.min(BREATH_MS.most, Math.max(BREATH_MS.least, BREATH_MS.times * tookMs));
}
