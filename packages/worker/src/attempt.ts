import { setMaxListeners } from "node:events";
import type {
  AnyTask,
  Grant,
  HookedAttempt,
  Lease,
  Located,
  Progress,
  StepReason,
  TaskStep,
} from "@jobbers/core";
import { AttemptAborted } from "./aborted.js";
import type { WaitingLines } from "./attempt-logs.js";
import type { Seat } from "./batches.js";
import type { Berth } from "./bulkheads.js";
import type { Found } from "./finder.js";
import type { Holding } from "./ledger.js";
import { TimeLimits } from "./time-limits.js";
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

/** Who minds attempts. */
export interface AttemptMinder {
  /** Its handler begins. */
  began(attempt: Attempt): void;
  /** It has given a sign of life. */
  signed(attempt: Attempt): void;
  /** Its time is over, or it was silent for too long. */
  over(attempt: Attempt, reason: "timeout" | "frozen", message: string): void;
}

export class Attempt implements Holding {
  readonly startedMs = performance.now();
  place = -1;
  /** Its place among the worker's slots; none where it has a seat in a batch, which is counted as a whole. */
  berth: Berth | undefined;
  seat: Seat | undefined;
  /** Its step as its plan has it; none before that was looked up. */
  found: Found | undefined;
  /** True from when its handler has begun. */
  hasBegun = false;
  /** True when its one report was sent. */
  reported = false;
  progress: Progress | undefined;
  /** What its hooks are told of it; none before the first of them, or where there is none. */
  told: HookedAttempt | undefined;
  /** What its handler has logged and nobody has been told yet; none before the first line. */
  logged: WaitingLines | undefined;
  #controller: AbortController | undefined;
  #aborted: AttemptAborted | undefined;
  #lastSignMs: number | undefined;
  #atSinceMs: number | undefined;
  #limits: TimeLimits | undefined;
  #stopGrace: (() => void) | undefined;

  constructor(
    readonly grant: Grant,
    readonly task: AnyTask | undefined,
    private readonly minder: AttemptMinder,
  ) {}

  get lease(): Lease {
    return this.grant.lease;
  }

  /** Tries spent, this one included. */
  get tries(): number {
    return this.grant.tries + 1;
  }

  /** When it gave its last sign of life. */
  get lastSignMs(): number {
    return this.#lastSignMs ?? this.startedMs;
  }

  set lastSignMs(ms: number) {
    this.#lastSignMs = ms;
  }

  /** Since when what it is at has been the same. */
  get atSinceMs(): number {
    return this.#atSinceMs ?? this.startedMs;
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

  /** Its input is parsed and its handler begins. */
  begin(): void {
    if (this.reported) return;
    this.hasBegun = true;
    this.minder.began(this);
  }

  heartbeat(progress: Progress | undefined): void {
    this.lastSignMs = performance.now();
    if (progress) {
      if (progress.at !== this.progress?.at) this.#atSinceMs = this.lastSignMs;
      this.progress = progress;
    }
    if (!this.reported) this.minder.signed(this);
  }

  /** Starts its timeout, where it has one. */
  watchTime(step: TaskStep): void {
    if (step.timeoutMs !== undefined) this.#timeLimits.watchTime(step);
  }

  /** Starts its heartbeat, where it has one. */
  watchSilence(step: TaskStep): void {
    if (step.heartbeatMs !== undefined) this.#timeLimits.watchSilence(step);
  }

  /** How soon its time may be over, or its silence too long, where there is no timer yet; see {@link TimeLimits}. */
  get unarmedMs(): number | undefined {
    return this.reported ? undefined : this.#limits?.unarmedMs;
  }

  /** Makes the timers of its time limits. */
  arm(): void {
    if (!this.reported) this.#limits?.arm();
  }

  /** Stops its clocks. */
  unwatch(): void {
    this.#limits?.stop();
    this.#stopGrace?.();
  }

  get #timeLimits(): TimeLimits {
    this.#limits ??= new TimeLimits(this, this.minder);
    return this.#limits;
  }
}

/** The step of a located grant, where it is a task's. */
export function taskStepOf({ step }: Located): TaskStep | undefined {
  return step.kind === "task" ? step : undefined;
}
