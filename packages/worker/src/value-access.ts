import type { LargeValues, Store } from "@jobbers/core";
import { type Asker, untilAnswered } from "./persistence.js";
import type { ValueAccess } from "./values.js";

/** How values of a store are read, and kept where they are large, however often the store has to be asked. */
export function valueAccess(store: Store, asker: Asker): ValueAccess {
  const { large } = store;
  return {
    read: (run, keys) => untilAnswered("readValues", () => store.readValues(run, keys), asker),
    keep: large && ((run, key, text) => keepLarge(large, run, key, text, asker)),
  };
}

/** What is small stays what it is, at once; what is large is put where it belongs, however often the store is asked about it. */
function keepLarge(large: LargeValues, run: string, key: string, text: string, asker: Asker) {
  const kept = large.keep(run, key, text);
  return kept instanceof Promise ? untilKept(kept, { large, run, key, text }, asker) : kept;
}

interface Large {
  readonly large: LargeValues;
  readonly run: string;
  readonly key: string;
  readonly text: string;
}

function untilKept(kept: Promise<string>, { large, run, key, text }: Large, asker: Asker): Promise<string> {
  let first: Promise<string> | undefined = kept;
  return untilAnswered(
    "noteBlobs",
    async () => {
      const call = first ?? large.keep(run, key, text);
      first = undefined;
      return await call;
    },
    asker,
  );
}
