import { type Store, WATCH_QUEUES_MS } from "@jobbers/core";
import { Actor, type ActorOptions } from "./actor.js";

export interface LookoutOptions extends ActorOptions {
  readonly store: Pick<Store, "watchQueues">;
}

/** Has the store look for queues with ready steps that nobody serves. Of all that ask, one at a time makes it look. */
export class Lookout extends Actor {
  protected readonly name = "lookout";
  readonly #store: LookoutOptions["store"];

  constructor(options: LookoutOptions) {
    super(options);
    this.#store = options.store;
  }

  protected async tick(): Promise<number> {
    await this.#store.watchQueues();
    return this.jittered(WATCH_QUEUES_MS);
  }
}
