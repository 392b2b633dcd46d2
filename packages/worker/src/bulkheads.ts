import type { AnyTask, Grant } from "@jobbers/core";
import { Slots } from "./slots.js";

/** The most slots that the steps of single queues and tasks may take in a worker; see `WorkerOptions.bulkheads`. */
export interface BulkheadOptions {
  readonly queues?: Readonly<Record<string, number>> | undefined;
  readonly tasks?: Readonly<Record<string, number>> | undefined;
}

/** A grant, with the queue that alone was asked for it: only those with a bulkhead are. */
export interface Granted extends Grant {
  readonly queue?: string | undefined;
}

/** The place of one handler: how many slots it takes, and in which compartments these are counted, the worker as a whole last. */
export class Berth {
  constructor(
    readonly size: number,
    private readonly compartments: readonly Slots[],
  ) {}

  /** The compartment that has no room for it now; undefined where it may begin. */
  get full(): Slots | undefined {
    for (const each of this.compartments) if (each.free < this.size) return each;
    return undefined;
  }

  take(): void {
    for (const each of this.compartments) each.take(this.size);
  }

  release(): void {
    for (const each of this.compartments) each.release(this.size);
  }

  /** A step begins to wait for this place (1), or ends to do so (-1). */
  wait(change: 1 | -1): void {
    for (const each of this.compartments) each.wait(change * this.size);
  }
}

/** A worker's slots, and the compartments in them that keep one queue or task from taking them all. */
export class Bulkheads {
  readonly #slots: Slots;
  readonly #tasks: ReadonlyMap<string, AnyTask>;
  readonly #byQueue: ReadonlyMap<string, Slots>;
  readonly #byTask: ReadonlyMap<string, Slots>;
  /** Berths by queue, then by task: there are as many as were ever granted of. Most grants are of no queue that matters here. */
  readonly #berths = new Map<string | undefined, Map<string, Berth>>();

  constructor(slots: Slots, tasks: ReadonlyMap<string, AnyTask>, { queues, tasks: caps }: BulkheadOptions) {
    this.#slots = slots;
    this.#tasks = tasks;
    this.#byQueue = compartments(queues);
    this.#byTask = compartments(caps);
  }

  /** The queues that have a compartment of their own. */
  get queues(): readonly string[] {
    return [...this.#byQueue.keys()];
  }

  /** The compartment of a queue, where it has one. */
  ofQueue(queue: string): Slots | undefined {
    return this.#byQueue.get(queue);
  }

  /** True where a step of a task in a queue is counted apart, or takes more than one slot. */
  concerns(task: string, queue: string): boolean {
    return (this.#tasks.get(task)?.slots ?? 1) > 1 || this.#byTask.has(task) || this.#byQueue.has(queue);
  }

  berthOf({ needs, queue }: Granted): Berth {
    return this.#berths.get(queue)?.get(needs) ?? this.#makeBerth(needs, queue);
  }

  #makeBerth(needs: string, queue: string | undefined): Berth {
    const own = [queue === undefined ? undefined : this.#byQueue.get(queue), this.#byTask.get(needs)];
    const compartments = [...own.filter((each) => each !== undefined), this.#slots];
    const berth = new Berth(this.#tasks.get(needs)?.slots ?? 1, compartments);
    const berths = this.#berths.get(queue) ?? new Map<string, Berth>();
    this.#berths.set(queue, berths.set(needs, berth));
    return berth;
  }
}

function compartments(caps: Readonly<Record<string, number>> = {}): ReadonlyMap<string, Slots> {
  return new Map(Object.entries(caps).map(([name, most]) => [name, new Slots(most)]));
}
