/** A clock that stands still until a test moves it: for a store's `clock` option, and for `runDag`. */
export interface FakeClock {
  /** Milliseconds since 1970; bound, so that it can be handed on as a function. */
  readonly now: () => number;
  /** Moves the clock on, and fires what becomes due on the way, each timer at its own instant. */
  advance(ms: number): void;
  /** Sets the clock, backwards too (as real clocks may jump); timers fire only forwards. */
  set(instantMs: number): void;
  /** Resolves when `ms` have passed on this clock; rejects with the signal's reason when that aborts first. */
  after(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once when `ms` have passed; the answer takes the timer away. */
  timer(ms: number, onDue: () => void): () => void;
  /** Moves to the next timer and fires it; false when there is none. */
  jump(): boolean;
  /** How many timers are set. */
  readonly pending: number;
}

interface Timer {
  readonly dueMs: number;
  readonly onDue: () => void;
}

/** 2026-01-01T00:00:00Z: a recent instant, so that ids and records look like real ones. */
const START_MS = Date.UTC(2026, 0, 1);

/**
 * Makes a clock that only tests move.
 *
 * @example
 * const clock = createFakeClock();
 * const rung = clock.after(1000);
 * clock.advance(1000);
 * await rung;
 */
export function createFakeClock(startMs = START_MS): FakeClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();

  const next = (untilMs: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers)
      if (timer.dueMs <= untilMs && !(first && first.dueMs <= timer.dueMs)) first = timer;
    return first;
  };
  const fire = (timer: Timer) => {
    timers.delete(timer);
    nowMs = Math.max(nowMs, timer.dueMs);
    timer.onDue();
  };
  const timer = (ms: number, onDue: () => void) => {
    const set: Timer = { dueMs: nowMs + ms, onDue };
    timers.add(set);
    return () => void timers.delete(set);
  };

  return {
    now: () => nowMs,
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let due = next(untilMs); due; due = next(untilMs)) fire(due);
      nowMs = untilMs;
    },
    set(instantMs) {
      nowMs = instantMs;
    },
    timer,
    after: (ms, signal) => waitOn(timer, ms, signal),
    jump() {
      const due = next(Number.POSITIVE_INFINITY);
      if (due) fire(due);
      return due !== undefined;
    },
    get pending() {
      return timers.size;
    },
  };
}

function waitOn(timer: FakeClock["timer"], ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = timer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
