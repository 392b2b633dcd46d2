import { monotonicMs } from "./waiting.js";

const BEAT = 0;
const TRUST = 1;

/**
 * Two instants in memory that the main loop and the renewal thread share: when the main loop last went round, and until when
 * the session may be trusted. A main loop that was blocked finds the renewals of that time here, before it reads any message.
 */
export class Pulse {
  readonly #cells: BigInt64Array;

  constructor(
    readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT),
  ) {
    this.#cells = new BigInt64Array(buffer);
  }

  /** Says that the main loop goes round. */
  beat(): void {
    this.#write(BEAT, monotonicMs());
  }

  /** How long the main loop has not gone round, in milliseconds. */
  get silentMs(): number {
    return monotonicMs() - this.#read(BEAT);
  }

  /** Counted from before the renewal was SENT; what the store answered later is worth nothing more. */
  trustUntil(instantMs: number): void {
    this.#write(TRUST, instantMs);
  }

  get trusted(): boolean {
    return monotonicMs() < this.#read(TRUST);
  }

  #read(cell: number): number {
    return Number(Atomics.load(this.#cells, cell)) / 1000;
  }

  #write(cell: number, ms: number): void {
    // Microseconds: 64 bits of them last for 292,000 years.
    Atomics.store(this.#cells, cell, BigInt(Math.round(Math.min(ms, 1e15) * 1000)));
  }
}
