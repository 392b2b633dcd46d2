import type { Berth, Bulkheads, Granted } from "./bulkheads.js";
import type { Slots } from "./slots.js";
import { after } from "./waiting.js";

/**
 * What exchanges ask for. Queues without a bulkhead are asked for together. One with a bulkhead is asked for by itself and in its turn,
 * so that what comes is known to be of it, and never for more than it has room for: a flooded queue whose bulkhead is full is left alone.
 *
 * A step that came and found no place (its task's bulkhead is full, or it takes more slots than are free) waits for 50 ms in the
 * backlog and goes back to the head of its line. Then its queues are closed until there is a place for it, and are asked for just that
 * one first; all queues, where it is the worker's own slots that are short, so that small steps do not take those that it waits for.
 * After a second they are asked for anyhow: another worker may have taken it.
 */
export interface Ask {
  readonly queues: readonly string[];
  /** How many steps there is room for. */
  readonly slots: number;
  /** The queue, where it has a bulkhead. */
  readonly queue: string | undefined;
  /** The exchange is answered: what was granted begins or waits, one by one. */
  end(): void;
}

interface Closure {
  /** The queues that are closed, and where a step may come from that needs the place. */
  readonly queues: readonly string[];
  readonly own: readonly string[];
  readonly size: number;
  readonly compartment: Slots;
  readonly stop: () => void;
}

/** How long queues are closed at most, in milliseconds. */
const CLOSED_MS = 1_000;

/** How much the newest grant says about how many slots those to come take. */
const WEIGHT = 1 / 32;

export interface AsksOptions {
  readonly slots: Slots;
  readonly bulkheads: Bulkheads;
  /** The queues that are served by now: the same list as long as they are the same. */
  readonly queues: () => readonly string[];
  /** The queues in which steps of a task stand. */
  readonly queuesOf: (task: string) => readonly string[];
  /** The most slots that one exchange asks for, as things are. */
  readonly maxSlots: () => number;
  /** There is something to ask for again. */
  readonly onRoom: () => void;
}

export class Asks {
  readonly #options: AsksOptions;
  /** Those that are asked for together, then each that has a bulkhead. */
  #rounds: readonly (readonly string[])[] = [];
  #served: readonly string[] | undefined;
  #next = 0;
  #closures: Closure[] = [];
  /** How many slots the steps that came lately take. */
  #size = 1;

  constructor(options: AsksOptions) {
    this.#options = options;
  }

  /** How many asks it takes to have asked for all. */
  get rounds(): number {
    return this.#all().length;
  }

  /** The queues that may be asked for now. */
  get open(): readonly string[] {
    return this.#all().flatMap((round) => (this.#roomOf(round) > 0 ? this.#openOf(round) : []));
  }

  /** What the next exchange asks for, at most so many steps. */
  next(most = Number.POSITIVE_INFINITY): Ask {
    const owed = this.#closures.find(
      ({ compartment, size }) => compartment.free >= size && this.#options.slots.room >= size,
    );
    if (owed) {
      this.#open(owed);
      const queues = this.#openOf(owed.own);
      if (queues.length > 0) return this.#ask(queues, 1, owed.size);
    }
    const rounds = this.#all();
    for (let turn = 0; turn < rounds.length; turn++) {
      const round = rounds[this.#next++ % rounds.length] as readonly string[];
      const queues = this.#openOf(round);
      const room = Math.min(this.#roomOf(round), this.#options.maxSlots(), most);
      if (queues.length === 0 || room === 0) continue;
      const steps = Math.max(1, Math.floor(room / this.#size));
      return this.#ask(queues, steps, Math.min(room, Math.ceil(steps * this.#size)));
    }
    return { queues: this.#options.queues(), slots: 0, queue: undefined, end: () => {} };
  }

  /** A step was granted, which takes so many slots. */
  note({ size }: Berth): void {
    this.#size += (size - this.#size) * WEIGHT;
  }

  /** A step goes back because a compartment has no place for it. */
  closeFor({ needs, queue }: Granted, { size, full }: Berth): void {
    const { slots, bulkheads, queuesOf, onRoom } = this.#options;
    const queues = this.#options.queues();
    if (!full || this.#closures.some((each) => each.compartment === full && each.size === size)) return;
    const stop = after(
      CLOSED_MS,
      () => {
        this.#open(closure);
        onRoom();
      },
      "unref",
    );
    const shared = queuesOf(needs).filter((each) => queues.includes(each) && !bulkheads.ofQueue(each));
    const own = queue === undefined ? shared : [queue];
    const closure: Closure = { queues: full === slots ? queues : own, own, size, compartment: full, stop };
    this.#closures.push(closure);
  }

  #all(): readonly (readonly string[])[] {
    const { queues, bulkheads } = this.#options;
    const served = queues();
    if (served === this.#served) return this.#rounds;
    const apart = served.filter((queue) => bulkheads.ofQueue(queue));
    const together = served.filter((queue) => !bulkheads.ofQueue(queue));
    this.#served = served;
    this.#rounds = [together, ...apart.map((queue) => [queue])].filter((round) => round.length > 0);
    return this.#rounds;
  }

  #open(closure: Closure): void {
    closure.stop();
    this.#closures = this.#closures.filter((each) => each !== closure);
  }

  #openOf(round: readonly string[]): readonly string[] {
    if (this.#closures.length === 0) return round;
    return round.filter((queue) => !this.#closures.some(({ queues }) => queues.includes(queue)));
  }

  #roomOf([queue]: readonly string[]): number {
    const { slots, bulkheads } = this.#options;
    const apart = queue === undefined ? undefined : bulkheads.ofQueue(queue);
    return Math.min(slots.room, apart?.room ?? slots.room);
  }

  #ask(queues: readonly string[], steps: number, size: number): Ask {
    const { slots, bulkheads } = this.#options;
    const [queue] = queues;
    const apart = queue === undefined ? undefined : bulkheads.ofQueue(queue);
    const compartments = apart ? [apart, slots] : [slots];
    const reserved = compartments.map((each) => each.reserve(size));
    return {
      queues,
      slots: steps,
      queue: apart && queue,
      end: () => {
        compartments.forEach((each, i) => void each.unreserve(reserved[i] as number));
      },
    };
  }
}
