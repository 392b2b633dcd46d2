import { turn } from "./waiting.js";

/**
 * Lets the lanes of a worker deal with their answers one at a time, each in a turn of the event loop of its own, so that what comes of one
 * is sent before the next is looked at.
 *
 * Answers of two lanes may come together. Who started the steps of both before reporting any would have the store wait all that time, and
 * then wait for the store as long as it works on both: they would come together again, for good. Passed one by one they are apart from
 * then on, and store and worker work at the same time.
 */
export class Doorway {
  #isTaken = false;

  /** Resolves when it is free; nothing where it is now. Whoever has passed is to leave. */
  enter(): Promise<void> | undefined {
    if (this.#isTaken) return this.#wait();
    this.#isTaken = true;
    return undefined;
  }

  leave(): void {
    this.#isTaken = false;
  }

  async #wait(): Promise<void> {
    while (this.#isTaken) await turn();
    this.#isTaken = true;
  }
}
