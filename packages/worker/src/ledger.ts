import type { Lease } from "@jobbers/core";

/** A step in this worker's hands, from its grant until the store has answered the last report on it. */
export interface Holding {
  readonly lease: Lease;
  /** Tells its handler, where it has one, that another worker may have the step by now. */
  disown(): void;
}

/** Every step that this worker holds, so that it can be compared with what the store believes. */
export class Ledger {
  readonly #holdings = new Set<Holding>();
  #onEmpty: (() => void)[] = [];

  get size(): number {
    return this.#holdings.size;
  }

  add(holding: Holding): void {
    this.#holdings.add(holding);
  }

  remove(holding: Holding): void {
    this.#holdings.delete(holding);
    if (this.#holdings.size > 0) return;
    for (const tell of this.#onEmpty.splice(0)) tell();
  }

  [Symbol.iterator](): Iterator<Holding> {
    return this.#holdings.values();
  }

  /** Resolves when nothing is held, at once when that is so already. */
  whenEmpty(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
