import { setMaxListeners } from "node:events";
import {
  type AnyTask,
  type Grant,
  type HookedAttempt,
  type Located,
  MIN_HEARTBEAT_MS,
  type Progress,
  type StepReason,
  type TaskStep,
} from "@jobbers/core";
import { AttemptAborted } from "./aborted.js";
import type { WaitingLines } from "./attempt-logs.js";
import type { Holding } from "./ledger.js";
import { after } from "./waiting.js";

/**
 * One attempt of a task's step:
 *
 *   preparing ──▶ running ──▶ returned           reported: succeeded, retry or failed
 *       │            │
 *       │            ├── time over, or silent for too long ──▶ abandoned ──▶ returned
 *       │            │        (signal aborts; reported at once: retry or failed)
 *       │            │
 *       └────────────┴── cancelled, lost, or the worker stops ──▶ aborted ──▶ returned
 *                             (signal aborts)                  │    reported: succeeded if it did all the same, else released
 *                                                              │
 *                                                              └── cancelled, and does not heed it ──▶ abandoned ──▶ returned
 *                                                                       (grace time over; reported: released)
 *
 * Whatever happens, an attempt is reported once, and keeps its slot until its handler has returned: a handler that goes on
 * burning the processor must not be joined by another one that does.
 */

/** A timer that fires later than this shows that the event loop was blocked: then silence proves nothing. */
const BLOCKED_MS = MIN_HEARTBEAT_MS;

/** Told when the time of an attempt is over, or it was silent for too long. */
export type OnOver = (reason: "timeout" | "frozen", message: string) => void;

export class Attempt implements Holding {
  readonly startedMs = performance.now();
  progress: Progress | undefined;
  /** Since when what it is at has been the same. */
  atSinceMs = this.startedMs;
  /** True when its one report was sent. */
  reported = false;
  /** What its hooks are told of it; none before the first of them, or where there is none. */
  told: HookedAttempt | undefined;
  /** What its handler has logged and nobody has been told yet; none before the first line. */
  logged: WaitingLines | undefined;
  #controller: AbortController | undefined;
  #aborted: AttemptAborted | undefined;
  #at: string | undefined;
  #lastSignMs = this.startedMs;
  /** Its time, and since when it is counted; none where it has no timeout. */
  #timeoutMs: number | undefined;
  #timedFromMs = this.startedMs;
  /** How long its handler may be silent; none where it has no heartbeat, or before its handler begins. */
  #heartbeatMs: number | undefined;
  #onOver: OnOver | undefined;
  #stopTimeout: (() => void) | undefined;
  #stopWatch: (() => void) | undefined;
  #stopGrace: (() => void) | undefined;

  constructor(
    readonly grant: Grant,
    readonly task: AnyTask | undefined,
    private readonly onSign?: (attempt: Attempt) => void,
  ) {}

  /** When it gave its last sign of life. */
  get lastSignMs(): number {
    return this.#lastSignMs;
  }

  get lease() {
    return this.grant.lease;
  }

  /** Tries spent, this one included. */
  get tries(): number {
    return this.grant.tries + 1;
  }

  /** Why its signal was aborted, if it was. */
  get aborted(): AttemptAborted | undefined {
    return this.#aborted;
  }

  /** True when it was aborted because its time is over. */
  get isOver(): boolean {
    return this.#aborted?.reason === "timeout" || this.#aborted?.reason === "frozen";
  }

  /** Made when it is first asked for: small handlers never ask. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      // A handler may well hand it to dozens of requests at a time.
      setMaxListeners(0, this.#controller.signal);
      if (this.#aborted) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** Aborts the handler's signal; the first reason stays. */
  abort(reason: StepReason, message: string): void {
    if (this.#aborted) return;
    this.#aborted = new AttemptAborted(reason, message);
    this.#controller?.abort(this.#aborted);
  }

  /** Its run was cancelled: aborts the signal, and tells when the attempt has not been reported for so long. */
  cancel(graceMs: number, onDeaf: () => void): void {
    this.abort("cancelled", "the run was cancelled");
    if (!this.reported) this.#stopGrace ??= after(graceMs, onDeaf, "unref");
  }

  disown(): void {
    this.abort("lost", "the worker's lease has ended, so another worker may have this step");
  }

  heartbeat(progress: Progress | undefined): void {
    this.#lastSignMs = performance.now();
    if (progress) {
      if (progress.at !== this.#at) this.atSinceMs = this.#lastSignMs;
      this.#at = progress.at;
      this.progress = progress;
    }
    if (!this.reported) this.onSign?.(this);
  }

  /** Starts its timeout; `arm` has it rung for. */
  watchTime({ timeoutMs }: TaskStep, onOver: OnOver): void {
    if (timeoutMs === undefined) return;
    this.#timeoutMs = timeoutMs;
    this.#timedFromMs = performance.now();
    this.#onOver = onOver;
  }

  /** Starts its heartbeat, when its handler begins: before that there is nobody who could be silent. */
  watchSilence({ heartbeatMs }: TaskStep, onOver: OnOver): void {
    if (heartbeatMs === undefined) return;
    this.#heartbeatMs = heartbeatMs;
    this.#lastSignMs = performance.now();
    this.#onOver = onOver;
  }

  /** How soon one of its clocks may ring that has no timer yet, in milliseconds from its start; none where all have one. */
  get unarmedMs(): number | undefined {
    if (this.reported) return undefined;
    const timeMs = this.#stopTimeout ? undefined : this.#timeoutMs;
    const silenceMs = this.#stopWatch ? undefined : this.#heartbeatMs;
    return timeMs !== undefined && silenceMs !== undefined
      ? Math.min(timeMs, silenceMs)
      : (timeMs ?? silenceMs);
  }

  /** Makes the timers of its clocks, for what is left of them. */
  arm(): void {
    if (this.reported) return;
    const nowMs = performance.now();
    if (this.#timeoutMs !== undefined && !this.#stopTimeout)
      this.#armTimeout(this.#timeoutMs, this.#timedFromMs + this.#timeoutMs - nowMs);
    if (this.#heartbeatMs !== undefined && !this.#stopWatch)
      this.#watchSilence(this.#heartbeatMs, this.#lastSignMs + this.#heartbeatMs - nowMs);
  }

  /** Stops its clocks. */
  unwatch(): void {
    this.#stopTimeout?.();
    this.#stopWatch?.();
    this.#stopGrace?.();
  }

  #armTimeout(timeoutMs: number, leftMs: number): void {
    const over = () => this.#onOver?.("timeout", `took longer than its timeout of ${timeoutMs} ms`);
    this.#stopTimeout = after(Math.max(0, Math.ceil(leftMs)), over);
  }

  #watchSilence(heartbeatMs: number, waitMs: number): void {
    const dueMs = performance.now() + waitMs;
    this.#stopWatch = after(Math.max(0, Math.ceil(waitMs)), () => {
      const nowMs = performance.now();
      // Its heartbeats may be waiting behind whatever blocked the loop.
      if (nowMs - dueMs > BLOCKED_MS) this.#lastSignMs = nowMs;
      const leftMs = this.#lastSignMs + heartbeatMs - nowMs;
      if (leftMs > 0) this.#watchSilence(heartbeatMs, leftMs);
      else this.#onOver?.("frozen", `gave no heartbeat for longer than ${heartbeatMs} ms`);
    });
  }
}

/** The step of a located grant, where it is a task's. */
export function taskStepOf({ step }: Located): TaskStep | undefined {
  return step.kind === "task" ? step : undefined;
}
