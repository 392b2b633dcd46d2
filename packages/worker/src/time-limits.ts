import { MIN_HEARTBEAT_MS, type TaskStep } from "@jobbers/core";
import type { Attempt, AttemptMinder } from "./attempt.js";
import { after } from "./waiting.js";

/** A timer that fires later than this shows that the event loop was blocked: then silence proves nothing. */
const BLOCKED_MS = MIN_HEARTBEAT_MS;

/** The timeout and the heartbeat of one attempt; see clocks.ts for when they get timers. */
export class TimeLimits {
  /** Its time, and since when it is counted; none where it has no timeout, or before that is counted. */
  #timeoutMs: number | undefined;
  #timedFromMs = 0;
  /** How long its handler may be silent; none where it has no heartbeat, or before its handler begins. */
  #heartbeatMs: number | undefined;
  #stopTimeout: (() => void) | undefined;
  #stopWatch: (() => void) | undefined;

  constructor(
    private readonly attempt: Attempt,
    private readonly minder: AttemptMinder,
  ) {}

  /** Starts its timeout. */
  watchTime({ timeoutMs }: TaskStep): void {
    if (timeoutMs === undefined) return;
    this.#timeoutMs = timeoutMs;
    this.#timedFromMs = performance.now();
  }

  /** Starts its heartbeat, when its handler begins: before that there is nobody who could be silent. */
  watchSilence({ heartbeatMs }: TaskStep): void {
    if (heartbeatMs === undefined) return;
    this.#heartbeatMs = heartbeatMs;
    this.attempt.lastSignMs = performance.now();
  }

  /** How soon one of them may be over that has no timer yet, in milliseconds from its start; none where all have one. */
  get unarmedMs(): number | undefined {
    const timeMs = this.#stopTimeout ? undefined : this.#timeoutMs;
    const silenceMs = this.#stopWatch ? undefined : this.#heartbeatMs;
    return timeMs !== undefined && silenceMs !== undefined
      ? Math.min(timeMs, silenceMs)
      : (timeMs ?? silenceMs);
  }

  /** Makes their timers, for what is left of them. */
  arm(): void {
    const nowMs = performance.now();
    if (this.#timeoutMs !== undefined && !this.#stopTimeout)
      this.#armTimeout(this.#timeoutMs, this.#timedFromMs + this.#timeoutMs - nowMs);
    if (this.#heartbeatMs !== undefined && !this.#stopWatch)
      this.#armWatch(this.#heartbeatMs, this.attempt.lastSignMs + this.#heartbeatMs - nowMs);
  }

  stop(): void {
    this.#stopTimeout?.();
    this.#stopWatch?.();
  }

  #armTimeout(timeoutMs: number, leftMs: number): void {
    const over = () =>
      this.minder.over(this.attempt, "timeout", `took longer than its timeout of ${timeoutMs} ms`);
    this.#stopTimeout = after(Math.max(0, Math.ceil(leftMs)), over);
  }

  #armWatch(heartbeatMs: number, waitMs: number): void {
    const { attempt, minder } = this;
    const dueMs = performance.now() + waitMs;
    this.#stopWatch = after(Math.max(0, Math.ceil(waitMs)), () => {
      const nowMs = performance.now();
      // Its heartbeats may be waiting behind whatever blocked the loop.
      if (nowMs - dueMs > BLOCKED_MS) attempt.lastSignMs = nowMs;
      const leftMs = attempt.lastSignMs + heartbeatMs - nowMs;
      if (leftMs > 0) this.#armWatch(heartbeatMs, leftMs);
      else minder.over(attempt, "frozen", `gave no heartbeat for longer than ${heartbeatMs} ms`);
    });
  }
}
