import type { AnyTask, BatchContext, TaskLog } from "@jobbers/core";
import type { Attempt } from "./attempt.js";
import type { AttemptLogs } from "./attempt-logs.js";
import type { Berth, Bulkheads } from "./bulkheads.js";
import { type Call, inputOf } from "./runner.js";
import { after } from "./waiting.js";

/**
 * The calls of batch tasks: attempts of one task gather, and one call of the handler takes them all.
 *
 *   first seat taken (takes a slot) ──▶ gathering ──▶ closed ──▶ running ──▶ returned (frees the slot)
 *                                          │ full, or its time is over  ▲
 *                                          │                            │ all who have a seat have joined or left
 *                                          └── all have left ──▶ gone
 *
 * A seat is taken when an attempt starts, and joined when its input is there. Each attempt is reported by itself, so one that has
 * failed is tried again by itself.
 */
export interface BatchesOptions {
  readonly bulkheads: Pick<Bulkheads, "berthOf">;
  readonly deps: unknown;
  readonly log: TaskLog;
  readonly logs: Pick<AttemptLogs, "of">;
  /** A handler has returned, with so many steps, and its slot is free. */
  readonly onReturned: (steps: number) => void;
}

/** Parses an attempt's input and joins the call in which it has a seat. */
export function joinBatch(seat: Seat, call: Call): Promise<unknown> {
  const input = inputOf(call);
  return input instanceof Promise ? input.then((parsed) => seat.join(parsed)) : seat.join(input);
}

/** An attempt's place in a call. */
export interface Seat {
  /** Waits for the others, and runs with them; resolves to the step's output, or rejects with its error. */
  join(input: unknown): Promise<unknown>;
  /** The attempt has ended. */
  leave(): void;
}

interface Member {
  readonly attempt: Attempt;
  readonly input: unknown;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Gathering {
  readonly task: AnyTask;
  readonly size: number;
  readonly berth: Berth;
  readonly members: Set<Member>;
  seats: number;
  isClosed: boolean;
  stop: () => void;
}

/** How much the newest grant says about how many of those to come are for batches. */
const WEIGHT = 1 / 32;

export class Batches {
  readonly #options: BatchesOptions;
  /** Those that take further seats, by task. */
  readonly #open = new Map<string, Gathering>();
  readonly #gathering = new Set<Gathering>();
  /** How many of the steps that came lately were for batches. */
  #share = 1;

  constructor(options: BatchesOptions) {
    this.#options = options;
  }

  /** How many more steps the open batches are likely to take. */
  get room(): number {
    let seats = 0;
    for (const { size, seats: taken } of this.#open.values()) seats += size - taken;
    return Math.floor(seats * this.#share);
  }

  /** A step was granted, for a batch or not. */
  note(task: AnyTask | undefined): void {
    this.#share += ((task?.batch ? 1 : 0) - this.#share) * WEIGHT;
  }

  /** True while there is one that takes further steps. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** True where a step of a task needs no slot of its own. */
  admits(task: AnyTask | undefined): boolean {
    return task?.batch !== undefined && this.#open.has(task.name);
  }

  /** Takes a seat in the task's next call. */
  seat(attempt: Attempt, task: AnyTask): Seat {
    const gathering = this.#open.get(task.name) ?? this.#gather(task, attempt);
    gathering.seats += 1;
    if (gathering.seats === gathering.size) this.#close(gathering);
    let hasJoined = false;
    return {
      join: (input) =>
        new Promise((resolve, reject) => {
          hasJoined = true;
          gathering.members.add({ attempt, input, resolve, reject });
          this.#runIfReady(gathering);
        }),
      leave: () => {
        if (hasJoined) return;
        hasJoined = true;
        gathering.seats -= 1;
        this.#runIfReady(gathering);
      },
    };
  }

  /** Begins what has gathered so far. */
  hurry(): void {
    for (const gathering of this.#gathering) {
      this.#close(gathering);
      this.#runIfReady(gathering);
    }
  }

  /** Lets those go who wait for others and whose attempts were aborted. */
  sweep(): void {
    for (const gathering of this.#gathering) {
      for (const member of gathering.members) {
        if (!member.attempt.aborted) continue;
        gathering.members.delete(member);
        gathering.seats -= 1;
        member.reject(member.attempt.aborted);
      }
      this.#runIfReady(gathering);
    }
  }

  #gather(task: AnyTask, { grant }: Attempt): Gathering {
    const { size, waitMs } = task.batch ?? { size: 1, waitMs: 0 };
    const gathering: Gathering = {
      task,
      size,
      berth: this.#options.bulkheads.berthOf(grant),
      members: new Set(),
      seats: 0,
      isClosed: false,
      stop: () => {},
    };
    gathering.stop = after(waitMs, () => {
      this.#close(gathering);
      this.#runIfReady(gathering);
    });
    gathering.berth.take();
    this.#open.set(task.name, gathering);
    this.#gathering.add(gathering);
    return gathering;
  }

  /** From now on a step of the task begins the next batch. */
  #close(gathering: Gathering): void {
    gathering.isClosed = true;
    gathering.stop();
    this.#open.delete(gathering.task.name);
  }

  #runIfReady(gathering: Gathering): void {
    if (!this.#gathering.has(gathering)) return;
    if (gathering.seats === 0) this.#close(gathering);
    if (!gathering.isClosed || gathering.members.size < gathering.seats) return;
    this.#gathering.delete(gathering);
    void this.#run(gathering, [...gathering.members]);
  }

  /** Never rejects. */
  async #run({ task, berth }: Gathering, members: readonly Member[]): Promise<void> {
    const { onReturned } = this.#options;
    try {
      if (members.length > 0) await this.#call(task, members);
    } catch (thrown) {
      for (const { reject } of members) reject(thrown);
    } finally {
      berth.release();
      onReturned(members.length);
    }
  }

  async #call(task: AnyTask, members: readonly Member[]): Promise<void> {
    const { deps, log, logs } = this.#options;
    for (const { attempt } of members) attempt.begin();
    const ctx = batchContext(
      members.map(({ attempt }) => attempt),
      { deps, log, logs },
    );
    const answers = await task.runBatch?.(
      members.map(({ input }) => input),
      ctx,
    );
    members.forEach(({ resolve, reject }, i) => {
      const answer = answers?.[i];
      if (answer instanceof Error) reject(answer);
      else resolve(answer);
    });
  }
}

function batchContext(
  attempts: readonly Attempt[],
  { deps, log: callLog, logs }: Pick<BatchesOptions, "deps" | "log" | "logs">,
): BatchContext {
  let signal: AbortSignal | undefined;
  return {
    deps,
    log: callLog,
    items: attempts.map((attempt) => {
      const { lease, traceparent } = attempt.grant;
      const { run, address: step, fence } = lease;
      let log: TaskLog | undefined;
      return {
        ...{ run, step, attempt: fence, tries: attempt.tries, traceparent },
        idempotencyKey: `${run}:${step}`,
        get log() {
          log ??= logs.of(attempt);
          return log;
        },
        get signal() {
          return attempt.signal;
        },
      };
    }),
    get signal() {
      signal ??= allOf(attempts.map((attempt) => attempt.signal));
      return signal;
    },
    heartbeat: (progress) => {
      for (const attempt of attempts) attempt.heartbeat(progress);
    },
  };
}

/** Aborts when all of them have. */
function allOf(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  let left = signals.length;
  const one = ({ reason }: AbortSignal) => {
    left -= 1;
    if (left === 0) controller.abort(reason);
  };
  for (const signal of signals) {
    if (signal.aborted) one(signal);
    else signal.addEventListener("abort", () => one(signal), { once: true });
  }
  return controller.signal;
}
