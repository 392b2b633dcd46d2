import type { Store } from "@jobbers/core";
import { type Asker, messageOf } from "./persistence.js";
import { pause } from "./waiting.js";

/**
 * How long a task has to take, half of the time, before a step of it stands in its queue although it could be handed straight on, in
 * milliseconds. A hop costs a round trip and a place at the end of the line, some milliseconds where workers are free: a hundred times
 * less than such a step takes. And whoever takes the slot of the parent for so long should be the one whose turn it is.
 */
const LONG_MS = 100;

/** How many attempts have to be known before a task counts as long. */
const FEW = 5;

/** From how many attempts on older ones count half. */
const MANY = 64;

/** How often the store is asked, in milliseconds, and for how many tasks in one call. */
const ASK_MS = 60_000;
const PAGE = 100;

interface Seen {
  long: number;
  all: number;
}

/** How long tasks usually take: as this worker has seen it lately, or else as the store's histogram has it. */
export class Usual {
  readonly #seen = new Map<string, Seen>();
  readonly #told = new Map<string, boolean>();

  /** An attempt has succeeded after so long. */
  took(task: string, ms: number): void {
    const seen = this.#seen.get(task) ?? { long: 0, all: 0 };
    if (seen.all === 0) this.#seen.set(task, seen);
    if (seen.all >= MANY) {
      seen.long /= 2;
      seen.all /= 2;
    }
    seen.all += 1;
    if (ms > LONG_MS) seen.long += 1;
  }

  /** True for a task that takes more than 100 ms at least half of the time; one that nobody knows anything of is short. */
  isLong(task: string): boolean {
    const seen = this.#seen.get(task);
    if (seen && seen.all >= FEW) return seen.long * 2 > seen.all;
    return this.#told.get(task) ?? false;
  }

  /** Asks the store now, and every minute or so until the signal aborts; survives every error. */
  async keepAsking(
    store: Pick<Store, "readDurations">,
    tasks: readonly string[],
    asker: Asker,
  ): Promise<void> {
    const { signal, log, random } = asker;
    while (!signal.aborted) {
      try {
        await this.#ask(store, tasks);
      } catch (error) {
        log.debug("how long tasks take was not to be learned", { error: messageOf(error) });
      }
      await pause(ASK_MS * (0.9 + random() / 5), signal);
    }
  }

  async #ask(store: Pick<Store, "readDurations">, tasks: readonly string[]): Promise<void> {
    for (let at = 0; at < tasks.length; at += PAGE) {
      const summaries = await store.readDurations(tasks.slice(at, at + PAGE));
      for (const [task, { count, p50Ms }] of Object.entries(summaries))
        this.#told.set(task, count >= FEW && p50Ms > LONG_MS);
    }
  }
}
