import { Attempt } from "./attempt.js";
import type { Holding } from "./ledger.js";

/** Attempts whose handlers have not returned: those that are held and not reported yet, and those that go on although they were. */
export class UnderWay {
  readonly #held: Iterable<Holding>;
  /** Few, if any: an attempt is usually reported when its handler returns. */
  readonly #abandoned = new Set<Attempt>();
  readonly #waiting = new Set<{ readonly left: Set<Attempt>; resolve(): void }>();

  constructor(held: Iterable<Holding>) {
    this.#held = held;
  }

  /** The oldest first. */
  get all(): Attempt[] {
    const all = [...this.#abandoned];
    for (const holding of this.#held) if (holding instanceof Attempt && !holding.reported) all.push(holding);
    return all.sort((a, b) => a.startedMs - b.startedMs);
  }

  /** Resolves when the handlers of this moment have all returned. */
  whenIdle(): Promise<void> {
    const left = new Set(this.all);
    if (left.size === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.add({ left, resolve }));
  }

  /** An attempt is about to be reported although its handler goes on. */
  abandon(attempt: Attempt): void {
    this.#abandoned.add(attempt);
  }

  /** A handler has returned. */
  end(attempt: Attempt): void {
    this.#abandoned.delete(attempt);
    for (const each of this.#waiting) {
      each.left.delete(attempt);
      if (each.left.size > 0) continue;
      this.#waiting.delete(each);
      each.resolve();
    }
  }
}
