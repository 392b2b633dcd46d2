import { Worker as Thread } from "node:worker_threads";
import type { Store, TaskLog } from "@jobbers/core";
import { messageOf } from "./persistence.js";
import type { Pulse } from "./pulse.js";
import { type RenewalNews, type RenewalTerms, renewalLoop } from "./renewal-loop.js";
import type { ThreadData, ThreadOrder } from "./renewal-thread.js";
import { pause } from "./waiting.js";

/** What keeping a session alive needs. */
export interface RenewalsOptions extends RenewalTerms {
  readonly store: Pick<Store, "renew" | "renewal">;
  readonly pulse: Pulse;
  readonly log: TaskLog;
  readonly random: () => number;
  readonly onNews: (news: RenewalNews) => void;
}

/**
 * Keeps the worker's session renewed: from a thread where the store says how, otherwise (and should the thread die) from the
 * main loop. A lease that is infinite is not renewed.
 */
export class Renewals {
  readonly #options: RenewalsOptions;
  readonly #ending = new AbortController();
  #session: string;
  #thread: Thread | undefined;
  #done: Promise<unknown> = Promise.resolve();

  constructor(session: string, options: RenewalsOptions) {
    this.#session = session;
    this.#options = options;
    if (!Number.isFinite(options.leaseMs)) return;
    if (options.store.renewal) this.#startThread(options.store.renewal);
    else this.#renewHere();
  }

  /** The session to renew from now on. */
  switchTo(session: string): void {
    this.#session = session;
    this.#thread?.postMessage({ session } satisfies ThreadOrder);
  }

  /** Ends renewing, and resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#thread?.postMessage({ session: undefined } satisfies ThreadOrder);
    await this.#done;
  }

  #startThread(renewal: ThreadData["renewal"]): void {
    const { leaseMs, maxBlockMs, pulse, log } = this.#options;
    const workerData: ThreadData = {
      renewal,
      session: this.#session,
      leaseMs,
      maxBlockMs,
      pulse: pulse.buffer,
    };
    // The sources run as they are under vitest and tsx; the built package runs from .js files.
    const fromSource = import.meta.url.endsWith(".ts");
    const file = new URL(fromSource ? "./renewal-thread.ts" : "./renewal-thread.js", import.meta.url);
    const thread = new Thread(file, { workerData, execArgv: fromSource ? ["--import", "tsx"] : [] });
    this.#thread = thread;
    thread.unref();
    thread.on("message", (news: RenewalNews) => this.#options.onNews(news));
    thread.on("error", (error) =>
      log.warn("the renewal thread ended with an error", { error: messageOf(error) }),
    );
    this.#done = new Promise<void>((resolve) => thread.once("exit", () => resolve())).then(() => {
      this.#thread = undefined;
      return this.#ending.signal.aborted ? undefined : this.#renewHere();
    });
  }

  #renewHere(): void {
    const { store, pulse, random, onNews } = this.#options;
    const { signal } = this.#ending;
    this.#done = renewalLoop(this.#options, pulse, {
      session: () => this.#session,
      renew: (session) => store.renew(session),
      tell: onNews,
      wait: (ms) => pause(ms, signal),
      signal,
      random,
    });
  }
}
