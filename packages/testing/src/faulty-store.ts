import type { Expansion, Store } from "@jobbers/core";
import { createRandom } from "./random.js";
import { turns } from "./signals.js";
import { wrapStore } from "./wrapped-store.js";

/** What goes wrong on the way to a store and back; drawn from the seed, so that a failing test fails again. */
export interface Faults {
  readonly seed: number;
  /** Executes each changing call twice, as a client library does that resends after a cut reply. */
  readonly twice?: boolean | undefined;
  /** How many of the replies get lost, 0 to 1: the call is executed, and rejects with {@link ReplyDropped}. */
  readonly dropReplies?: number | undefined;
  /** Lets calls and replies overtake each other. */
  readonly delay?: boolean | undefined;
  /** The most elements that get through in one expansion; drivers cut their other pages by `pageLimit`. */
  readonly chunk?: number | undefined;
}

/** The reply was lost: the call has been executed, and is to be repeated with the same arguments. */
export class ReplyDropped extends Error {
  override readonly name = "ReplyDropped";
}

/**
 * A store behind a bad line.
 *
 * @example
 * const store = patientStore(faultyStore(await openSqliteStore("memory:"), { seed: 1, twice: true, dropReplies: 0.2 }));
 */
export function faultyStore(store: Store, faults: Faults): Store {
  const random = createRandom(faults.seed);
  const pause = async () => {
    if (faults.delay) await turns(Math.floor(random() * 3));
  };
  return wrapStore(store, async (verb, call, args) => {
    const chunk = faults.chunk;
    if (verb === "expand" && chunk !== undefined) call = shortExpansion(store, args[0] as Expansion, chunk);
    await pause();
    const reply = await call();
    if (faults.twice) {
      await pause();
      await call();
    }
    await pause();
    if (random() < (faults.dropReplies ?? 0)) throw new ReplyDropped(`the reply to ${verb} got lost`);
    return reply;
  });
}

/** Hands on only the first elements, as a transport with a cap would; the reply's cursor says where to go on. */
function shortExpansion(store: Store, expansion: Expansion, chunk: number) {
  return () => store.expand({ ...expansion, items: expansion.items.slice(0, chunk) });
}

const MAX_REPEATS = 50;

/** The caller that a faulty store wants: repeats a call whose reply got lost, with the same arguments. */
export function patientStore(store: Store): Store {
  return wrapStore(store, async (_verb, call) => {
    for (let repeat = 1; ; repeat++) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ReplyDropped) || repeat === MAX_REPEATS) throw error;
      }
    }
  });
}
