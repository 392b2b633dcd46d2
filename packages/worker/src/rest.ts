import type { ExchangeReply, Store } from "@jobbers/core";
import type { Asks } from "./asks.js";
import { onAbort } from "./on-abort.js";
import { type Asker, delayMs, messageOf } from "./persistence.js";
import type { Slots } from "./slots.js";
import { after, monotonicMs, pause } from "./waiting.js";

/**
 * What a lane does while it has nothing: it stands by where it may, else it listens or just waits; and how long it does so at most.
 *
 *   stand by   the next exchange is left with the store until there is something: where no step runs, and the store takes it
 *   listen     the first lane does so for all; each of the others waits until it is woken
 *   wait       where there is room for nothing, and for a moment where it was woken for nothing again and again
 */
export interface RestPort {
  readonly store: Pick<Store, "standBy" | "listen">;
  readonly slots: Slots;
  readonly asks: Asks;
  readonly asker: Asker;
  /** The session in force. */
  session(): string;
  /** How many control steps there is room for; 0 while nothing new is taken. */
  controlRoom(): number;
  /** True while nothing new is taken: the worker drains, or its session is doubtful. */
  closed(): boolean;
}

/** How long the loop waits at most before it looks by itself, in milliseconds. */
const POLL_MS = 5_000;

/** How much longer a lane waits for a store that does not keep to the time, in milliseconds. */
const OVERTIME_MS = 1_000;

/** The most that a loop which is woken for nothing waits between its looks, in milliseconds. */
const LONGEST_REST_MS = 50;

/** By how much timers of Node.js may come early, in milliseconds. */
const EARLY_MS = 1;

/** A wait that only a wake-up ends, in milliseconds: a day, as timers take no more than 24 days. */
const NEVER_MS = 24 * 3_600_000;

/** Why a wait was ended; without a reason of its own each abort would make an error with a stack. */
const WOKEN = "woken";

/** How long a lane whose slots are all busy waits before it begins to listen for control work, in milliseconds. */
const BUSY_REST_MS = 20;

export class Rest {
  readonly #isFirst: boolean;
  readonly #port: RestPort;
  /** When the store has something to do by itself, in milliseconds from the last answer. */
  #dueMs = POLL_MS;
  /** When the next limit opens that it has met, on the monotonic clock. */
  #opensAtMs = Number.POSITIVE_INFINITY;
  /** How many rests in a row were ended for nothing. */
  #restless = 0;
  #woken = false;
  #wakeUp: (() => void) | undefined;

  /** The rest of the lane with this number. */
  constructor(lane: number, port: RestPort) {
    this.#isFirst = lane === 0;
    this.#port = port;
  }

  /** True while it lasts. */
  get lasts(): boolean {
    return this.#wakeUp !== undefined;
  }

  /** Ends it, or keeps the next from beginning. */
  wake(): void {
    this.#woken = true;
    const wakeUp = this.#wakeUp;
    // Thousands of reports may wake it in one turn, and an abort is dear.
    this.#wakeUp = undefined;
    wakeUp?.();
  }

  /** The lane looks at what there is: what has woken it before does not keep it from its next rest. */
  looked(): void {
    this.#woken = false;
  }

  /** The lane is about to ask for steps: it learns anew of limits that may have opened. */
  asked(): void {
    if (this.#opensAtMs <= monotonicMs()) this.#opensAtMs = Number.POSITIVE_INFINITY;
  }

  /** What an answer says about when to come back, and whether the lane had something to do. */
  answered({ nextDueMs, opensInMs }: ExchangeReply, wasOfUse: boolean): void {
    this.#dueMs = nextDueMs ?? POLL_MS;
    if (opensInMs !== undefined) this.#opensAtMs = monotonicMs() + opensInMs + EARLY_MS;
    this.#restless = wasOfUse ? 0 : this.#restless + 1;
  }

  /** There was nothing to ask for, nor to report. */
  calm(): void {
    this.#restless = 0;
  }

  /**
   * True where the next exchange may be left with the store until there is something, and nothing else can come up: no step runs. It asks
   * for one step only, since whoever is frozen meanwhile has it all the same.
   */
  get mayStandBy(): boolean {
    const { store, slots, asks } = this.#port;
    if (!store.standBy || !this.#isFirst || this.#woken || this.#port.closed()) return false;
    const isIdle = slots.room === slots.limit && asks.rounds === 1 && asks.open.length > 0;
    return isIdle && this.#restless <= 2 && this.#dueMs >= POLL_MS && this.#opensInMs > POLL_MS;
  }

  /** Rests as long as this exchange is left with the store; the signal aborts when the lane is woken. */
  async standBy<Answer>(exchange: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const waking = new AbortController();
    const fromMs = monotonicMs();
    this.#wakeUp = () => waking.abort(WOKEN);
    try {
      return await exchange(waking.signal);
    } finally {
      this.#wakeUp = undefined;
      if (monotonicMs() - fromMs > LONGEST_REST_MS) this.#restless = 0;
    }
  }

  /** Rests until there may be something; never rejects. */
  async take(): Promise<void> {
    const { slots, asker, asks } = this.#port;
    const waking = new AbortController();
    const onEnd = () => waking.abort(WOKEN);
    this.#wakeUp = onEnd;
    const forget = onAbort(asker.signal, onEnd);
    try {
      if (this.#woken || asker.signal.aborted) return;
      // Whoever is woken for nothing again and again, by a neighbour's work perhaps, looks a little less often.
      if (this.#restless > 2) await pause(Math.min(LONGEST_REST_MS, 2 ** this.#restless), waking.signal);
      if (waking.signal.aborted) return;
      // The first lane listens for all; the others help it out when they are woken.
      if (!this.#isFirst) return await pause(Math.min(NEVER_MS, this.#opensInMs), waking.signal);
      // With room for nothing there is nothing to listen for: whatever makes room wakes the lane as well.
      const full = slots.room === 0 && this.#port.controlRoom() === 0;
      if (full || this.#port.closed()) return await pause(POLL_MS, waking.signal);
      // With every slot busy a report is likely to end the wait soon; listening would cost the store two calls for nothing.
      if (slots.free === 0) await pause(BUSY_REST_MS, waking.signal);
      if (waking.signal.aborted) return;
      const dueMs = Math.min(POLL_MS, Math.max(LONGEST_REST_MS, this.#dueMs)) * (0.9 + asker.random() / 10);
      const fromMs = monotonicMs();
      await this.#listen(waking, asks.open, Math.min(dueMs, this.#opensInMs));
      if (monotonicMs() - fromMs > LONGEST_REST_MS) this.#restless = 0;
    } catch (error) {
      asker.log.debug("listening did not succeed", { error: messageOf(error) });
      await pause(delayMs(5, asker.random), waking.signal);
    } finally {
      this.#wakeUp = undefined;
      forget();
    }
  }

  /** Nobody wakes the lane for a limit that it has met: it asks again when that opens. */
  get #opensInMs(): number {
    return Math.max(0, this.#opensAtMs - monotonicMs());
  }

  /** Listens; ends when woken, too, and where the store keeps neither to the time nor to the signal. */
  #listen(waking: AbortController, queues: readonly string[], timeoutMs: number): Promise<void> {
    const { signal } = waking;
    return new Promise((resolve, reject) => {
      // An abort is dear, and a lane that a letter has woken is in a hurry: so it aborts nothing that has ended by itself.
      const cancel = after(timeoutMs + OVERTIME_MS, () => waking.abort(WOKEN));
      const end = () => {
        cancel();
        resolve();
      };
      signal.addEventListener("abort", end, { once: true });
      this.#port.store
        .listen(this.#port.session(), { queues, timeoutMs, signal })
        .then(end, (error: unknown) => {
          cancel();
          reject(error);
        });
    });
  }
}
