import type { Lease } from "@jobbers/core";

/** A step in this worker's hands, from its grant until the store has answered the last report on it. */
export interface Holding {
  readonly lease: Lease;
  /** Its place in the {@link Ledger}, which writes it down. */
  place: number;
  /** Tells its handler, where it has one, that another worker may have the step by now. */
  disown(): void;
}

/**
 * Every step that this worker holds, so that it can be compared with what the store believes. In no order.
 *
 * A list in which each knows its place, and the last one takes that of who leaves. A Set sees steps come and go by the thousand, and
 * is made anew every few hundred of them; each of its old tables refers to the next one, and to all that it held. Once the collector has
 * moved one of them to the old generation, everything held since then outlives two scavenges and follows it there.
 */
export class Ledger {
  /** Never gets shorter, so that it does not have to grow again. */
  readonly #holdings: (Holding | undefined)[] = [];
  #size = 0;
  #onEmpty: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  add(holding: Holding): void {
    holding.place = this.#size;
    this.#holdings[this.#size++] = holding;
  }

  remove(holding: Holding): void {
    const { place } = holding;
    if (this.#holdings[place] !== holding) return;
    const last = this.#holdings[--this.#size] as Holding;
    last.place = place;
    this.#holdings[place] = last;
    this.#holdings[this.#size] = undefined;
    if (this.#size === 0 && this.#onEmpty.length > 0) for (const tell of this.#onEmpty.splice(0)) tell();
  }

  [Symbol.iterator](): Iterator<Holding> {
    return (this.#holdings.slice(0, this.#size) as Holding[]).values();
  }

  /** Resolves when nothing is held, at once when that is so already. */
  whenEmpty(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
