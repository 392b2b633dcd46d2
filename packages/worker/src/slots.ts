/**
 * The room for steps, of a worker or of a compartment in it, in slots: an attempt takes one, or as many as its task says.
 *
 *   capacity          handlers that may run at a time
 *   + ahead           steps that may be taken before a slot is free for them
 *   − taken           handlers that run, abandoned ones too, until they return
 *   − waiting         steps that were taken and have not begun
 *   − reserved        what exchanges under way have asked for
 *   = room
 */
export class Slots {
  #taken = 0;
  #waiting = 0;
  #reserved = 0;

  constructor(
    readonly capacity: number,
    /** How many steps to take ahead, as things are. */
    private readonly ahead: () => number = () => 0,
  ) {}

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** How many more handlers may begin now. */
  get free(): number {
    return Math.max(0, this.capacity - this.#taken);
  }

  /** How many more steps may be asked for. */
  get room(): number {
    return Math.max(0, this.limit - this.#taken - this.#waiting - this.#reserved);
  }

  /** The most steps that may be held. */
  get limit(): number {
    return Math.max(0, this.capacity + this.ahead());
  }

  /** Sets room aside, for at most `limit` steps; answers for how many. */
  reserve(limit: number): number {
    const count = Math.min(this.room, limit);
    this.#reserved += count;
    return count;
  }

  /** Ends a reservation; what was granted begins or waits, one by one. */
  unreserve(count: number): void {
    this.#reserved -= count;
  }

  take(count = 1): void {
    this.#taken += count;
  }

  release(count = 1): void {
    this.#taken -= count;
  }

  /** A step begins to wait for so many slots (a positive number), or ends to do so. */
  wait(change: number): void {
    this.#waiting += change;
  }
}
