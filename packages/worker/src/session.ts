import {
  JobbersError,
  type Mail,
  type Session,
  type SessionOpening,
  type Store,
  type TaskLog,
} from "@jobbers/core";
import type { BulletinSource } from "./bulletins.js";
import { GaveUp, messageOf, untilAnswered } from "./persistence.js";
import { Pulse } from "./pulse.js";
import { type RenewalNews, trustedUntil } from "./renewal-loop.js";
import { Renewals } from "./renewals.js";
import { monotonicMs } from "./waiting.js";

/**
 * The worker's session: opened, kept alive, and opened anew when it is lost.
 *
 *   (open) ──▶ trusted ◀──────── renewed ──────── doubtful
 *                 │ │                              ▲    │
 *                 │ └── not renewed for a lease ───┘    │ the store says: lost
 *                 │     minus its margin: own handlers  │
 *                 │     are aborted                     ▼
 *                 └── the store says: lost ──────────▶ lost: own handlers are aborted
 *                                                       │
 *                     (open) ◀──────────────────────────┘
 *
 * A doubtful session takes nothing new, but it is not given up: when the store was away for everybody, leases are extended and
 * what was reported meanwhile still counts. After a loss reports are sent under the next session, and their fences decide.
 */
export interface SessionKeeperOptions {
  readonly store: Pick<Store, "url" | "openSession" | "closeSession" | "renew" | "renewal">;
  readonly opening: SessionOpening;
  readonly maxBlockMs: number;
  readonly bulletins: BulletinSource;
  readonly log: TaskLog;
  readonly random: () => number;
  /** Ends the asking for a new session. */
  readonly signal: AbortSignal;
  /** Own handlers may no longer hold what they think they hold. */
  readonly onDoubt: (why: "doubtful" | "lost", session: string) => void;
  /** There is a new session, or the old one is trusted again. */
  readonly onTrust: (session: string) => void;
  readonly onMail: (mail: readonly Mail[]) => void;
  /** Each renewal says how many steps the store believes the session to hold. */
  readonly onHeld: (session: string, held: number) => void;
}

/** How long a store may be silent when a worker starts. */
const OPENING_MS = 5_000;

/** A session that is found ended again so soon after it was renewed has ended indeed, in milliseconds. */
const REVIVAL_MS = 1_000;

export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #pulse = new Pulse();
  #session: Session;
  #renewals: Renewals;
  #ticking: NodeJS.Timeout;
  #doubtful = false;
  #revivedMs = Number.NEGATIVE_INFINITY;
  #blocked = false;
  #troubled = false;
  #reopening: Promise<void> | undefined;

  private constructor(session: Session, sentMs: number, options: SessionKeeperOptions) {
    this.#options = options;
    this.#session = session;
    this.#trustFrom(sentMs);
    this.#pulse.beat();
    const { store, maxBlockMs, bulletins, log, random, opening } = options;
    const { leaseMs } = opening;
    const tickMs = Math.min(1_000, Math.max(10, leaseMs / 15));
    const onNews = (news: RenewalNews) => this.#hear(news);
    this.#renewals = new Renewals(session.id, {
      ...{ store, pulse: this.#pulse, bulletins, leaseMs, trustMs: this.#trustMs, maxBlockMs, tickMs },
      ...{ log, random, onNews },
    });
    this.#ticking = setInterval(() => this.#tick(), tickMs);
  }

  /** Opens the first session; rejects when the store does not answer for 5 s, so that a wrong setting is seen. */
  static async open(options: SessionKeeperOptions, stopping: AbortSignal): Promise<SessionKeeper> {
    // Not AbortSignal.any over AbortSignal.timeout: on Node 20 the timeout is lost with the next garbage collection.
    const giveUp = new AbortController();
    const { signal } = giveUp;
    const onStop = () => giveUp.abort();
    if (stopping.aborted) onStop();
    stopping.addEventListener("abort", onStop, { once: true });
    const deadline = setTimeout(onStop, OPENING_MS);
    try {
      const [session, sentMs] = await openOne({ ...options, signal });
      return new SessionKeeper(session, sentMs, options);
    } catch (error) {
      throw error instanceof GaveUp ? notOpened(options.store.url, error.cause, stopping.aborted) : error;
    } finally {
      clearTimeout(deadline);
      stopping.removeEventListener("abort", onStop);
    }
  }

  /** The id of the session in force. */
  get id(): string {
    return this.#session.id;
  }

  /** False when the lease may have ended: nothing new should be taken. */
  get trusted(): boolean {
    return !this.#doubtful && !this.#reopening;
  }

  /** False also where the lease may have ended, and this loop has yet to notice. */
  get vouches(): boolean {
    return this.trusted && this.#pulse.trusted;
  }

  /** How long the main loop has not gone round, in milliseconds. */
  get silentMs(): number {
    return this.#pulse.silentMs;
  }

  /**
   * Says that an exchange found a session ended; resolves when there is one that lives. One that has merely expired, whose steps
   * nobody has taken back, lives on once it is renewed; `surely` rules that out.
   */
  lost(session: string, surely: boolean): Promise<void> {
    if (session !== this.id) return Promise.resolve();
    this.#reopening ??= this.#recover(surely).finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  /** Ends renewing; the session is left for the caller to close. */
  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    await this.#renewals.stop();
  }

  async #recover(surely: boolean): Promise<void> {
    if (surely || monotonicMs() - this.#revivedMs < REVIVAL_MS || !(await this.#revive()))
      await this.#reopen();
    this.#doubtful = false;
    queueMicrotask(() => this.#options.onTrust(this.id));
  }

  async #revive(): Promise<boolean> {
    const sentMs = monotonicMs();
    const { status } = await untilAnswered("renew", () => this.#options.store.renew(this.id), this.#options);
    if (status === "lost") return false;
    this.#revivedMs = sentMs;
    this.#trustFrom(sentMs);
    return true;
  }

  async #reopen(): Promise<void> {
    const { log, onDoubt } = this.#options;
    log.warn("the session was lost; opening another", { session: this.id });
    onDoubt("lost", this.id);
    const [session, sentMs] = await openOne(this.#options);
    this.#session = session;
    this.#trustFrom(sentMs);
    this.#renewals.switchTo(this.id);
  }

  #hear(news: RenewalNews): void {
    const { bulletins, log, onMail, onHeld } = this.#options;
    switch (news.type) {
      case "renewed":
        if (news.session !== this.id) return;
        this.#troubled = false;
        this.#tick();
        if (news.told) bulletins.hear(news.session, news.told.seq, news.told.stale);
        if (news.mail.length > 0) onMail(news.mail);
        onHeld(news.session, news.held);
        return;
      case "lost":
        // Without the signal's end this would reject only where nobody is left to care.
        return void this.lost(news.session, true).catch(() => {});
      case "blocked":
        if (!this.#blocked)
          log.error("the event loop was blocked for too long to be renewed", {
            forMs: Math.round(news.forMs),
          });
        this.#blocked = true;
        return;
      case "trouble":
        if (!this.#troubled) log.warn("the session could not be renewed; trying on", { error: news.message });
        this.#troubled = true;
    }
  }

  #tick(): void {
    this.#pulse.beat();
    this.#blocked = false;
    if (this.#pulse.trusted === !this.#doubtful || this.#reopening) return;
    this.#doubtful = !this.#pulse.trusted;
    if (!this.#doubtful) {
      this.#options.onTrust(this.id);
      return;
    }
    this.#options.log.warn("the session could not be renewed in time; its handlers are aborted", {
      session: this.id,
    });
    this.#options.onDoubt("doubtful", this.id);
  }

  #trustFrom(sentMs: number): void {
    this.#pulse.trustUntil(trustedUntil(sentMs, this.#trustMs));
  }

  /** How long the lease is: what was asked for, where the store does not say otherwise. */
  get #trustMs(): number {
    return this.#session.leaseMs ?? this.#options.opening.leaseMs;
  }
}

/** Opens a session; also says from when on it may be trusted: from before the call that was answered was sent. */
async function openOne(options: SessionKeeperOptions): Promise<readonly [Session, number]> {
  const { store, opening, signal } = options;
  let sentMs = 0;
  const open = async () => {
    sentMs = monotonicMs();
    const session = await store.openSession(opening);
    // Nobody waits for it any more: it would stand among the workers until it expires.
    if (signal.aborted) await store.closeSession(session.id).catch(() => {});
    return session;
  };
  const session = await untilAnswered("openSession", open, options);
  return [session, sentMs];
}

/** Why a worker that starts has no session: what was asked, for how long, and what the store said last, where it said anything. */
function notOpened(url: string, said: unknown, isStopped: boolean): JobbersError {
  const end = isStopped ? "before the worker was stopped" : `within ${OPENING_MS} ms`;
  const why = said === undefined ? "" : `: ${messageOf(said)}`;
  const code = said instanceof JobbersError ? said.code : "store-busy";
  return new JobbersError(code, `${url} did not answer openSession ${end}${why}`, { cause: said });
}
