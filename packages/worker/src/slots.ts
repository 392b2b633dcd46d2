/**
 * The room for handlers: `taken` by those that run (abandoned ones too, until they return), `reserved` while an exchange that
 * asks for steps is under way. May be exceeded by what the store hands out beyond what was asked.
 */
export class Slots {
  #taken = 0;
  #reserved = 0;

  constructor(readonly capacity: number) {}

  get taken(): number {
    return this.#taken;
  }

  get free(): number {
    return Math.max(0, this.capacity - this.#taken - this.#reserved);
  }

  /** Sets free slots aside, at most `limit`; answers how many. */
  reserve(limit: number): number {
    const count = Math.min(this.free, limit);
    this.#reserved += count;
    return count;
  }

  /** Ends a reservation; what was granted is taken one by one. */
  unreserve(count: number): void {
    this.#reserved -= count;
  }

  take(): void {
    this.#taken += 1;
  }

  release(): void {
    this.#taken -= 1;
  }
}
