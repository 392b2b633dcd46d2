import type { Worker as Thread } from "node:worker_threads";
import type { Bulletin, RenewalModule, Store, TaskLog } from "@jobbers/core";
import type { BulletinSource } from "./bulletins.js";
import { startOwnThread } from "./own-file.js";
import { messageOf } from "./persistence.js";
import type { Pulse } from "./pulse.js";
import { type RenewalNews, type RenewalTerms, renewalLoop } from "./renewal-loop.js";
import type { ThreadData, ThreadNews, ThreadOrder } from "./renewal-thread.js";
import { pause } from "./waiting.js";

/** What keeping a session alive needs. */
export interface RenewalsOptions extends RenewalTerms {
  readonly store: Pick<Store, "renew" | "renewal">;
  readonly pulse: Pulse;
  readonly bulletins: Pick<BulletinSource, "next">;
  readonly log: TaskLog;
  readonly random: () => number;
  readonly onNews: (news: RenewalNews) => void;
}

/**
 * Keeps the worker's session renewed: from a thread where the store says how, and from the main loop otherwise, until the thread is
 * up, and should it die. A lease that is infinite is not renewed.
 */
export class Renewals {
  readonly #options: RenewalsOptions;
  /** Aborts when all renewing is to end, or only that of the main loop. */
  readonly #ending = new AbortController();
  #standIn = new AbortController();
  #session: string;
  #thread: Thread | undefined;
  #threadOver: Promise<unknown> = Promise.resolve();
  #standInOver: Promise<unknown> = Promise.resolve();

  constructor(session: string, options: RenewalsOptions) {
    this.#session = session;
    this.#options = options;
    if (!Number.isFinite(options.leaseMs)) return;
    this.#renewHere();
    if (options.store.renewal) this.#renewThere(options.store.renewal);
  }

  /** The session to renew from now on. */
  switchTo(session: string): void {
    this.#session = session;
    this.#thread?.postMessage({ type: "session", session } satisfies ThreadOrder);
  }

  /** Ends renewing, and resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#ending.abort();
    // Who waits for its end needs a process that lives until then.
    this.#thread?.ref();
    this.#thread?.postMessage({ type: "session", session: undefined } satisfies ThreadOrder);
    await Promise.all([this.#threadOver, this.#standInOver]);
  }

  #renewThere(renewal: RenewalModule): void {
    const { leaseMs, trustMs, maxBlockMs, tickMs, pulse, log, onNews } = this.#options;
    const terms = { leaseMs, trustMs, maxBlockMs, tickMs };
    const workerData: ThreadData = { renewal, session: this.#session, ...terms, pulse: pulse.buffer };
    const thread = startOwnThread("renewal-thread", { workerData });
    this.#thread = thread;
    thread.unref();
    thread.once("message", () => log.debug("the renewal thread is up"));
    thread.on("message", (news: ThreadNews) => {
      if (news.type === "ask") return this.#answer(thread, news.session);
      // A thread that cannot reach the store may be alone with that.
      if (news.type !== "trouble") this.#standIn.abort();
      else if (this.#standIn.signal.aborted) this.#renewHere();
      onNews(news);
    });
    thread.on("error", (error) =>
      log.warn("the renewal thread ended with an error", { error: messageOf(error) }),
    );
    this.#threadOver = new Promise<void>((resolve) => thread.once("exit", () => resolve())).then(() => {
      this.#thread = undefined;
      if (this.#standIn.signal.aborted && !this.#ending.signal.aborted) this.#renewHere();
    });
  }

  /** What the thread asks before it renews. */
  #answer(thread: Thread, session: string): void {
    const bulletin = this.#bulletinOf(session);
    if (bulletin) thread.postMessage({ type: "bulletin", session, bulletin } satisfies ThreadOrder);
  }

  /** What the main loop has to tell; whoever asks it that finds it going round. */
  #bulletinOf(session: string): Bulletin | undefined {
    const { pulse, bulletins } = this.#options;
    pulse.beat();
    return session === this.#session ? bulletins.next(session) : undefined;
  }

  #renewHere(): void {
    const { store, pulse, random, onNews } = this.#options;
    this.#standIn = new AbortController();
    const signal = AbortSignal.any([this.#ending.signal, this.#standIn.signal]);
    const loop = renewalLoop(this.#options, pulse, {
      session: () => this.#session,
      renew: (session, vitals) => store.renew(session, vitals),
      bulletin: (session) => this.#bulletinOf(session),
      tell: onNews,
      wait: (ms) => pause(ms, signal),
      signal,
      random,
    });
    this.#standInOver = Promise.all([this.#standInOver, loop]);
  }
}
