import type { Store } from "@jobbers/core";
import { wrapStore } from "./wrapped-store.js";

/** The caller died at this call; nothing it does afterwards reaches the store. */
export class CallerDied extends Error {
  override readonly name = "CallerDied";
}

/** A store whose caller dies at its `at`th changing call, before it is sent or after it was executed. */
export interface MortalStore {
  readonly store: Store;
  /** How many changing calls there were. */
  readonly calls: number;
}

/**
 * Wraps a store for crash tests: who uses it is dead from the `at`th changing call on. With `at` infinite it only counts.
 *
 * @example
 * const mortal = mortalStore(store, 3, "after");
 * await expect(work(mortal.store)).rejects.toThrow(CallerDied);
 */
export function mortalStore(store: Store, at: number, moment: "before" | "after"): MortalStore {
  let calls = 0;
  const wrapped = wrapStore(store, async (verb, call) => {
    calls++;
    if (calls > at || (calls === at && moment === "before")) throw new CallerDied(`died before ${verb}`);
    const reply = await call();
    if (calls >= at) throw new CallerDied(`died after ${verb}`);
    return reply;
  });
  return {
    store: wrapped,
    get calls() {
      return calls;
    },
  };
}
