import type { FakeClock } from "./fake-clock.js";
import { HandlerTimers } from "./handler-timers.js";
import { turns } from "./signals.js";

/** What `ctx.signal` aborts with when the time of an attempt is over on the fake clock. */
export class AttemptOver extends Error {
  override readonly name = "AttemptAborted";
  constructor(
    readonly reason: "timeout" | "frozen",
    message: string,
  ) {
    super(message);
  }
}

/** So many turns of the event loop without news mean that handlers wait for something outside of this process's own code. */
const QUIET_TURNS = 5;
/** The longest that real I/O of handlers is waited for before the clock jumps all the same, in real milliseconds. */
const PATIENCE_MS = 1_000;

/**
 * Keeps real handlers and the fake clock in step: while a handler can go on by itself the clock stands still; when all of them
 * wait, it jumps to its next timer. What is under way in Node (a file, a socket, a real timer) counts as going on.
 */
export class Pace {
  readonly #clock: FakeClock;
  readonly #timers = new HandlerTimers();
  /** What others had under way at first, and how much of that has ended since. */
  readonly #others = activeResources();
  #othersEnded = 0;
  #running = 0;
  #settled = 0;
  #broken: { readonly thrown: unknown } | undefined;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** Counts work that goes on by itself; should it reject, `goOn` does. */
  start(work: Promise<void>): void {
    this.#running++;
    const onSettled = () => {
      this.#running--;
      this.#settled++;
    };
    work.then(onSettled, (thrown: unknown) => {
      this.#broken ??= { thrown };
      onSettled();
    });
  }

  /** How much work has settled so far. */
  get settled(): number {
    return this.#settled;
  }

  /** Waits until more work has settled than `before`, or the clock has jumped. */
  async goOn(before: number): Promise<void> {
    const startedMs = performance.now();
    for (let quiet = 0, active = activeResources(); this.#settled === before; quiet++) {
      active = this.#look(active);
      if (this.#running === 0 || (quiet >= QUIET_TURNS && !this.#isBusy(active, startedMs))) {
        if (this.#clock.jump()) {
          await turns();
          break;
        }
        if (this.#running === 0) throw new Error("the run cannot go on: nothing runs, and no timer is set");
      }
      await turns();
    }
    if (this.#broken) throw this.#broken.thrown;
  }

  /** Calls a handler, for no longer than its step allows on the fake clock. */
  within<T>(
    { timeoutMs, heartbeatMs }: { readonly timeoutMs?: number; readonly heartbeatMs?: number },
    call: (signal: AbortSignal, heartbeat: () => void) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const { timer } = this.#clock;
    let isOver = false;
    let stopTimeout = () => {};
    let stopSilence = () => {};
    const attempt = new Promise<T>((resolve, reject) => {
      const end = (reason: AttemptOver["reason"], message: string) => () => {
        const error = new AttemptOver(reason, message);
        controller.abort(error);
        reject(error);
      };
      const watch = () => {
        stopSilence();
        if (isOver || heartbeatMs === undefined) return;
        const frozen = end("frozen", `gave no heartbeat for longer than ${heartbeatMs} ms`);
        stopSilence = timer(heartbeatMs, frozen);
      };
      const timeout = end("timeout", `took longer than its timeout of ${timeoutMs} ms`);
      if (timeoutMs !== undefined) stopTimeout = timer(timeoutMs, timeout);
      watch();
      this.#timers.within(() => call(controller.signal, watch)).then(resolve, reject);
    });
    return attempt.finally(() => {
      isOver = true;
      stopTimeout();
      stopSilence();
    });
  }

  /** What ends without any handler getting further was another's: a file of a test runner, say. It must not hide one of a handler. */
  #look(before: number): number {
    const active = activeResources();
    this.#othersEnded += Math.max(0, before - active);
    return active;
  }

  #isBusy(active: number, sinceMs: number): boolean {
    if (!this.#timers.isAnySet && active <= this.#others - this.#othersEnded) return false;
    if (performance.now() - sinceMs < PATIENCE_MS) return true;
    // It may have been a handler's after all.
    this.#othersEnded = 0;
    return false;
  }
}

/** Files, sockets and the like that are open or under way; timers are known by who set them. */
function activeResources(): number {
  return process.getActiveResourcesInfo().filter((type) => type !== "Timeout").length;
}
