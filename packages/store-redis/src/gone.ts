import type { Flaw } from "@jobbers/core";
import { keyScript } from "./check-scripts.js";
import type { Server } from "./server.js";

/** Pages overlap: entries go from the old end while the list is read, and none may be missed. */
const PAGE = 1_500;
const STEP = 1_000;

/** Runs of which only the id is left: each stands in `purging` or `forget`, lists without an index, which are read once a walk. */
export interface Gone {
  /** Looks for those that stand in neither. */
  check(ids: readonly string[], repair: boolean): Promise<Flaw[]>;
  /** A new walk begins. */
  forget(): void;
}

export function createGone(server: Server): Gone {
  let known: Set<string> | undefined;
  const read = async () => {
    const ids = new Set<string>();
    // A run goes from the first list to the second, so in this order none is missed.
    for (const list of ["purging", "forget"]) await readList(server, `${server.keys.prefix}${list}`, ids);
    known = ids;
    return ids;
  };
  return {
    async check(ids, repair) {
      if (ids.length === 0) return [];
      const before = known ?? (await read());
      if (ids.every((id) => before.has(id))) return [];
      // They may have gone since the lists were read.
      const now = await read();
      const missing = ids.filter((id) => !now.has(id));
      const looked = await Promise.all(
        missing.map((id) => server.run(keyScript, repair, { name: "gone", id }, "0")),
      );
      if (repair) known = undefined;
      return looked.flatMap(({ problems }) => problems);
    },
    forget() {
      known = undefined;
    },
  };
}

async function readList(server: Server, key: string, ids: Set<string>): Promise<void> {
  for (let at = 0; ; at += STEP) {
    const page = await server.look((redis) => redis.lrange(key, at, at + PAGE - 1));
    for (const entry of page) ids.add(entry.slice(entry.indexOf("|") + 1));
    if (page.length < PAGE) return;
  }
}
