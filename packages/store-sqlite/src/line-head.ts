import type { KnownLine } from "./turn.js";
import type { Unit } from "./unit.js";

/** The most entries that are read at a time. */
const PAGE_LIMIT = 500;

/** What a line has of a step. */
export interface Entry {
  readonly seq: number;
  readonly run: number;
  readonly address: string;
}

/** The old end of a line while entries are taken from it. */
export class Head {
  readonly line: KnownLine;
  readonly #unit: Unit;
  #page: Entry[] = [];
  #at = 0;
  #taken = 0;
  /** Numbers of those that go before all others are below zero. */
  #upTo = Number.MIN_SAFE_INTEGER;
  #isDry = false;

  constructor(unit: Unit, line: KnownLine) {
    this.#unit = unit;
    this.line = line;
  }

  /** The oldest entry; `most` is how many are likely to be taken. */
  peek(most: number): Entry | undefined {
    if (this.#at === this.#page.length && !this.#isDry) {
      // Who meets one entry to be dropped may meet many.
      const limit = Math.min(this.#taken === 0 ? most : Math.max(most, 100), PAGE_LIMIT);
      const select = "SELECT seq, run, address FROM ready WHERE line = ? AND seq > ? ORDER BY seq LIMIT ?";
      const rows = this.#unit.sql.tuples(select, this.line.id, this.#upTo, limit);
      this.#page = rows.map(([seq, run, address]) => ({ seq, run, address }) as Entry);
      this.#at = 0;
      this.#isDry = rows.length === 0;
    }
    return this.#page[this.#at];
  }

  next(): Entry {
    const entry = this.#page[this.#at++] as Entry;
    this.#taken++;
    this.#upTo = entry.seq;
    return entry;
  }

  /** Deletes what was taken. */
  done(): void {
    if (this.#taken > 0) this.#unit.ledger.shift(this.line, this.#upTo, this.#taken);
  }
}
