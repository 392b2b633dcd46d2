import { Attempt } from "./attempt.js";
import type { Holding } from "./ledger.js";

/**
 * The clocks of attempts, which get timers late: most attempts have ended long before any of theirs could ring, and two timers
 * for each would cost a small one more than all else that is done for it. One timer for all looks at those that run; who
 * has outlived a look gets timers of its own.
 */

/** How often those that run are looked at, in milliseconds, while any of them has no timer yet. */
const LOOK_MS = 25;

/** A clock that rings sooner has its timer at once: so none rings late. */
const SOON_MS = 4 * LOOK_MS;

export class Clocks {
  readonly #held: Iterable<Holding>;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(held: Iterable<Holding>) {
    this.#held = held;
  }

  /** A clock of an attempt has begun. */
  note(attempt: Attempt): void {
    const { unarmedMs } = attempt;
    if (unarmedMs === undefined) return;
    if (unarmedMs < SOON_MS) attempt.arm();
    else if (!this.#isLooking) this.#lookLater();
  }

  #lookLater(): void {
    this.#isLooking = true;
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    const oldMs = performance.now() - LOOK_MS;
    let areYoung = false;
    for (const attempt of this.#held) {
      if (!(attempt instanceof Attempt)) continue;
      if (attempt.startedMs < oldMs) attempt.arm();
      else areYoung ||= attempt.unarmedMs !== undefined;
    }
    this.#isLooking = false;
    if (areYoung) this.#lookLater();
  }
}
