import type { Exchange, ExchangeReply, JobbersError, Store } from "@jobbers/core";
import type { Ask } from "./asks.js";
import type { Doorway } from "./doorway.js";
import type { Outbox, Parcel } from "./outbox.js";
import { delayMs, GaveUp, isDefinite, untilAnswered } from "./persistence.js";
import { Rest, type RestPort } from "./rest.js";
import type { Serving } from "./serving.js";
import { pause, turn } from "./waiting.js";

/**
 * One lane: a sequence of numbered exchanges, each reporting what has finished and asking for what there is room for.
 *
 *        ┌──────────────────────────────── something to report, or grants, or `more` ───────────────────┐
 *        ▼                                                                                              │
 *   end of this turn ──▶ exchange (seq + 1) ──answered──▶ settle reports, start grants ──▶ rest ────────┘
 *                          │        ▲                                                    (see rest.ts: 5 s
 *                      rejected ────┘ same number, same reports, after a pause            at most)
 *                          │
 *                    session-lost, or `alive: false` ──▶ next session; seq starts anew, unanswered reports go along
 */
export interface LanePort extends RestPort {
  readonly store: Pick<Store, "exchange" | "standBy" | "listen">;
  readonly outbox: Outbox;
  readonly doorway: Doorway;
  readonly serving: Serving;
  readonly inline: boolean;
  /** A session was found ended, `surely` or perhaps; resolves when there is one that lives. */
  sessionLost(session: string, surely: boolean): Promise<void>;
  /** There were as many steps as were asked for, and there is room for more: another lane may go at the same time. */
  onPlenty(): void;
  /** What reports are to wait for before they are sent, a short while at most; usually nothing. */
  beforeReports(): Promise<void> | undefined;
  /** What came of an exchange: mail, and grants, of a queue that has a bulkhead or of others. */
  receive(reply: ExchangeReply, queue: string | undefined): void;
  /** The store was closed, or refuses everything: the worker cannot go on. */
  broken(error: Error): void;
}

export class Lane {
  readonly #number: number;
  readonly #port: LanePort;
  readonly #rest: Rest;
  #session = "";
  #seq = 0;
  #inFlight = false;
  #count = 0;
  /** Whether the last answer brought steps. */
  #granted = false;
  /** How many asks in a row have brought nothing: what has a bulkhead is asked for by itself. */
  #dry = 0;
  /** Whether it deals with an answer, and the other lanes wait for that. */
  #isInside = false;

  constructor(number: number, port: LanePort) {
    this.#number = number;
    this.#port = port;
    this.#rest = new Rest(number, port);
  }

  /** True while it waits for something to do. */
  get idle(): boolean {
    return this.#rest.lasts;
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
    this.#rest.wake();
  }

  /** Exchanges until the asker's signal aborts; survives every error. */
  async run(): Promise<void> {
    const { asker, outbox } = this.#port;
    const rest = this.#rest;
    for (let standsBy = false; !asker.signal.aborted; ) {
      rest.looked();
      const parcels = outbox.take();
      // Whoever sees that a step has ended is to see what it has logged.
      const logged = parcels.length > 0 && this.#port.beforeReports();
      if (logged) await logged;
      try {
        const again: boolean = standsBy
          ? await rest.standBy((signal) => this.#exchange([], signal))
          : await this.#exchange(parcels);
        // What finishes in the same turn travels together; slower steps are not waited for.
        if (parcels.length > 0 || this.#granted) await turn();
        this.#leave();
        standsBy = !again && outbox.size === 0 && rest.mayStandBy;
        if (again || outbox.size > 0 || standsBy) continue;
        await rest.take();
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
      this.#rest.calm();
      return false;
    }
    if (asked > 0) this.#rest.asked();
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
    const some = reply.grants.length > 0;
    this.#rest.answered(reply, some || parcels.length > 0);
    parcels.forEach((parcel, i) => void parcel.settle(reply.results[i] ?? "stale"));
    // Grants of a session that was lost meanwhile are given to others already.
    if (session === this.#port.session()) this.#port.receive(reply, ask?.queue);
    if (!reply.alive) {
      // That takes as long as the store takes; others may go on.
      this.#leave();
      await this.#port.sessionLost(session, false);
    }
    this.#granted = some;
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
}
