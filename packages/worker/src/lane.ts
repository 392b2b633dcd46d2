import type { Exchange, ExchangeReply, JobbersError, Store } from "@jobbers/core";
import type { Ask, Asks } from "./asks.js";
import type { Doorway } from "./doorway.js";
import { onAbort } from "./on-abort.js";
import type { Outbox, Parcel } from "./outbox.js";
import { type Asker, delayMs, GaveUp, isDefinite, messageOf, untilAnswered } from "./persistence.js";
import type { Serving } from "./serving.js";
import type { Slots } from "./slots.js";
import { after, monotonicMs, pause, turn } from "./waiting.js";

/**
 * One lane: a sequence of numbered exchanges, each reporting what has finished and asking for what there is room for.
 *
 *        ┌──────────────────────────────── something to report, or grants, or `more` ───────────────────┐
 *        ▼                                                                                              │
 *   end of this turn ──▶ exchange (seq + 1) ──answered──▶ settle reports, start grants ──▶ listen ──────┘
 *                          │        ▲                                                    (wakes at the latest
 *                      rejected ────┘ same number, same reports, after a pause             after 5 s)
 *                          │
 *                    session-lost, or `alive: false` ──▶ next session; seq starts anew, unanswered reports go along
 *
 * Where no step runs, and the store takes it, the next exchange is left with the store until there is something: it stands by, in place of
 * listening and then asking.
 */
export interface LanePort {
  readonly store: Pick<Store, "exchange" | "standBy" | "listen">;
  readonly outbox: Outbox;
  readonly doorway: Doorway;
  readonly slots: Slots;
  readonly asks: Asks;
  readonly serving: Serving;
  readonly inline: boolean;
  readonly asker: Asker;
  /** The session in force. */
  session(): string;
  /** A session was found ended, `surely` or perhaps; resolves when there is one that lives. */
  sessionLost(session: string, surely: boolean): Promise<void>;
  /** How many control steps there is room for; 0 while nothing new is taken. */
  controlRoom(): number;
  /** True while nothing new is taken: the worker drains, or its session is doubtful. */
  closed(): boolean;
  /** There were as many steps as were asked for, and there is room for more: another lane may go at the same time. */
  onPlenty(): void;
  /** What reports are to wait for before they are sent, a short while at most; usually nothing. */
  beforeReports(): Promise<void> | undefined;
  /** What came of an exchange: mail, and grants, of a queue that has a bulkhead or of others. */
  receive(reply: ExchangeReply, queue: string | undefined): void;
  /** The store was closed, or refuses everything: the worker cannot go on. */
  broken(error: Error): void;
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

export class Lane {
  readonly #number: number;
  readonly #port: LanePort;
  #session = "";
  #seq = 0;
  #inFlight = false;
  #count = 0;
  #dueMs = POLL_MS;
  /** When the next limit opens that it has met, on the monotonic clock. */
  #opensAtMs = Number.POSITIVE_INFINITY;
  #restless = 0;
  #woken = false;
  /** Whether the last answer brought steps. */
  #granted = false;
  /** How many asks in a row have brought nothing: what has a bulkhead is asked for by itself. */
  #dry = 0;
  #wakeUp: (() => void) | undefined;
  /** Whether it deals with an answer, and the other lanes wait for that. */
  #isInside = false;

  constructor(number: number, port: LanePort) {
    this.#number = number;
    this.#port = port;
  }

  /** True while it waits for something to do. */
  get idle(): boolean {
    return this.#wakeUp !== undefined;
  }

  /** True while an exchange is unanswered: the store may have handed out steps of which this worker does not know yet. */
  get inFlight(): boolean {
    return this.#inFlight;
  }

  /** How many exchanges were answered so far. */
  get answered(): number {
    return this.#count;
  }

  /** Ends its wait, or keeps it from beginning the next. */
  wake(): void {
    this.#woken = true;
    const wakeUp = this.#wakeUp;
    // Thousands of reports may wake it in one turn, and an abort is dear.
    this.#wakeUp = undefined;
    wakeUp?.();
  }

  /** Exchanges until the asker's signal aborts; survives every error. */
  async run(): Promise<void> {
    const { asker, outbox } = this.#port;
    for (let standsBy = false; !asker.signal.aborted; ) {
      this.#woken = false;
      const parcels = outbox.take();
      // Whoever sees that a step has ended is to see what it has logged.
      const logged = parcels.length > 0 && this.#port.beforeReports();
      if (logged) await logged;
      try {
        const again: boolean = standsBy ? await this.#standBy() : await this.#exchange(parcels);
        // What finishes in the same turn travels together; slower steps are not waited for.
        if (parcels.length > 0 || this.#granted) await turn();
        this.#leave();
        standsBy = !again && outbox.size === 0 && this.#mayStandBy();
        if (again || outbox.size > 0 || standsBy) continue;
        await this.#rest();
        this.#dry = 0;
        if (outbox.size > 0) await turn();
      } catch (error) {
        this.#leave();
        if (error instanceof GaveUp) return;
        this.#port.broken(error instanceof Error ? error : new Error(String(error)));
        await pause(delayMs(10, asker.random), asker.signal);
      }
    }
  }

  /** One exchange; true when another should follow at once. */
  async #exchange(parcels: readonly Parcel[], signal?: AbortSignal): Promise<boolean> {
    const { slots, asks } = this.#port;
    this.#granted = false;
    const closed = this.#port.closed();
    // Who cannot report as fast as steps end takes no more than he reports: what waits for its turn is kept in memory.
    const most = signal ? 1 : this.#port.outbox.size > 0 ? parcels.length : undefined;
    const ask = closed ? undefined : asks.next(most);
    const asked = ask?.slots ?? 0;
    const control = closed ? 0 : this.#port.controlRoom();
    if (parcels.length === 0 && asked === 0 && control === 0) {
      this.#restless = 0;
      return false;
    }
    if (asked > 0 && this.#opensAtMs <= monotonicMs()) this.#opensAtMs = Number.POSITIVE_INFINITY;
    const session = this.#enter();
    const { queues, weights } = this.#port.serving.wants(ask?.queues ?? []);
    const exchange: Exchange = {
      session,
      lane: this.#number,
      seq: ++this.#seq,
      reports: parcels.map((parcel) => parcel.report),
      wants: { slots: asked, control, inline: this.#port.inline && !closed, queues, weights },
    };
    let reply: ExchangeReply;
    try {
      reply = await this.#send(exchange, signal);
    } catch (error) {
      if (isDefinite(error)) return await this.#refused(error, session, parcels);
      this.#port.outbox.putBack(parcels);
      throw error;
    } finally {
      ask?.end();
    }
    const blocked = this.#port.doorway.enter();
    if (blocked) await blocked;
    this.#isInside = true;
    if (reply.taken) this.#port.serving.took(exchange.wants, asked, reply.taken);
    // Its steps are still to be started, so that this lane has room yet for what it is about to be told.
    if (asked > 0 && reply.grants.length >= asked && slots.room > reply.grants.length) this.#port.onPlenty();
    return await this.#answered(reply, session, parcels, ask);
  }

  /** What came of its answer is about to be sent, or there is nothing. */
  #leave(): void {
    if (this.#isInside) this.#port.doorway.leave();
    this.#isInside = false;
  }

  #enter(): string {
    const session = this.#port.session();
    if (session !== this.#session) {
      this.#session = session;
      this.#seq = 0;
    }
    return session;
  }

  async #send(exchange: Exchange, signal?: AbortSignal): Promise<ExchangeReply> {
    const { store, asker } = this.#port;
    let waiting = signal;
    const send = () => {
      const held = waiting && store.standBy?.(exchange, waiting);
      waiting = undefined;
      return held ?? store.exchange(exchange);
    };
    this.#inFlight = true;
    try {
      return await untilAnswered("exchange", send, asker);
    } finally {
      this.#inFlight = false;
    }
  }

  async #answered(
    reply: ExchangeReply,
    session: string,
    parcels: readonly Parcel[],
    ask: Ask | undefined,
  ): Promise<boolean> {
    const { outbox, slots, asks } = this.#port;
    this.#count += 1;
    this.#dueMs = reply.nextDueMs ?? POLL_MS;
    if (reply.opensInMs !== undefined) this.#opensAtMs = monotonicMs() + reply.opensInMs + EARLY_MS;
    parcels.forEach((parcel, i) => void parcel.settle(reply.results[i] ?? "stale"));
    // Grants of a session that was lost meanwhile are given to others already.
    if (session === this.#port.session()) this.#port.receive(reply, ask?.queue);
    if (!reply.alive) {
      // That takes as long as the store takes; others may go on.
      this.#leave();
      await this.#port.sessionLost(session, false);
    }
    const some = reply.grants.length > 0;
    this.#granted = some;
    this.#restless = some || parcels.length > 0 ? 0 : this.#restless + 1;
    if (some) this.#dry = 0;
    else if (ask && ask.slots > 0) this.#dry += 1;
    // Who was refused by a limit, and asked for all queues, has taken what there was.
    const hasAll =
      reply.opensInMs !== undefined && reply.grants.length < (ask?.slots ?? 0) && asks.rounds === 1;
    const mayBring = (some && !hasAll) || (this.#dry > 0 && this.#dry < asks.rounds);
    return reply.more || !reply.alive || outbox.size > 0 || (mayBring && slots.room > 0);
  }

  /** The exchange was refused whole: nothing of it has happened. */
  async #refused(error: JobbersError, session: string, parcels: readonly Parcel[]): Promise<boolean> {
    const { outbox } = this.#port;
    if (error.code === "session-lost" || error.code === "store-closed" || parcels.length === 0)
      outbox.putBack(parcels);
    // One report spoils it for all; it is found by sending each alone.
    else if (parcels.length > 1) outbox.putAside(parcels);
    else parcels[0]?.settle("refused", error);
    if (error.code === "session-lost") {
      await this.#port.sessionLost(session, true);
      return true;
    }
    this.#seq -= 1;
    if (error.code === "store-closed" || parcels.length === 0) throw error;
    return true;
  }

  /** Nobody wakes it for a limit that it has met: it asks again when that opens. */
  get #opensInMs(): number {
    return Math.max(0, this.#opensAtMs - monotonicMs());
  }

  /**
   * True where the next exchange may be left with the store until there is something, and nothing else can come up: no step runs. It asks
   * for one step only, since whoever is frozen meanwhile has it all the same.
   */
  #mayStandBy(): boolean {
    const { store, slots, asks, closed } = this.#port;
    if (!store.standBy || this.#number > 0 || this.#woken || closed()) return false;
    const isIdle = slots.room === slots.limit && asks.rounds === 1 && asks.open.length > 0;
    return isIdle && this.#restless <= 2 && this.#dueMs >= POLL_MS && this.#opensInMs > POLL_MS;
  }

  async #standBy(): Promise<boolean> {
    const waking = new AbortController();
    const fromMs = monotonicMs();
    this.#wakeUp = () => waking.abort(WOKEN);
    try {
      return await this.#exchange([], waking.signal);
    } finally {
      this.#wakeUp = undefined;
      if (monotonicMs() - fromMs > LONGEST_REST_MS) this.#restless = 0;
    }
  }

  async #rest(): Promise<void> {
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
      if (this.#number > 0) return await pause(Math.min(NEVER_MS, this.#opensInMs), waking.signal);
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
