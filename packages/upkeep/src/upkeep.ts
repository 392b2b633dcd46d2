import type { Retention, Store } from "@jobbers/core";
import type { ActorOptions } from "./actor.js";
import { Janitor } from "./janitor.js";
import { Lookout } from "./lookout.js";
import { Promoter } from "./promoter.js";
import { goneFrom, Reaper, type Taken } from "./reaper.js";

/** What `createUpkeep` takes. */
export interface UpkeepOptions extends ActorOptions {
  readonly store: Pick<
    Store,
    "promoteDue" | "reapSessions" | "listWorkers" | "readTime" | "watchQueues" | "purge" | "large"
  >;
  /**
   * Which machine this is, as its workers say (`hostIdentity()` of the worker): steps of its dead processes are taken back at
   * once, and each sweep reads the workers of this machine and those that have the name of one in this process. Left out, every lost
   * worker's lease is waited for, and each sweep reads all workers.
   */
  readonly host?: string | undefined;
  /**
   * When a process of this machine began (`processBirth` of the worker), so that one that got a dead worker's pid is not taken for it.
   */
  readonly birthOf?: ((pid: number) => string | undefined) | undefined;
  /** How long, and how many, ended runs are kept, by outcome. */
  readonly retention?: Partial<Retention> | undefined;
  /** Told once a start, when its first looks are over. */
  readonly onFirst?: ((found: Found) => void) | undefined;
  /** How far the reaper's sweeps are apart, in milliseconds; default 5 s. */
  readonly sweepMs?: number | undefined;
  /** How often due timers are looked for at least, in milliseconds; default 5 s. */
  readonly pollMs?: number | undefined;
  /** How often ended runs are cleaned up, in milliseconds; default 1 min. */
  readonly cleanEveryMs?: number | undefined;
}

/** What a start found, and recovered: what the first sweep took, and timers that were overdue. */
export interface Found extends Taken {
  readonly overdue: number;
}

export interface Upkeep {
  /** Begins; each actor does its work at once for the first time. */
  start(): Promise<void>;
  /** Ends; resolves when nothing of it is under way. */
  stop(): Promise<void>;
  /** Makes the promoter look for due timers now. */
  wake(): void;
  /** Tells the promoter that a timer of the store is due in so many milliseconds, so that it need not find out by its poll. */
  due(inMs: number): void;
  /** Tells the promoter that a limit opens in so many milliseconds, of which an exchange was told: should nobody ask then, it looks. */
  opens(inMs: number): void;
}

/**
 * Makes what keeps a store going: promoter, reaper, lookout and janitor. Any process may run it, several may, and one has to.
 *
 * @example
 * const upkeep = createUpkeep({ store, host: hostIdentity(), birthOf: processBirth });
 * await upkeep.start();
 */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { store, host, birthOf, retention, sweepMs, pollMs, cleanEveryMs, onFirst, log, random } = options;
  const first = firstOf(onFirst);
  const promoter = new Promoter({ store, pollMs, onFirst: first.promoted, log, random });
  const reaper = new Reaper({
    store,
    sweepMs,
    host,
    isGone: host === undefined ? undefined : goneFrom(host, birthOf),
    onFirst: first.swept,
    log,
    random,
  });
  const janitor = new Janitor({ store, retention, everyMs: cleanEveryMs, log, random });
  const lookout = new Lookout({ store, log, random });
  const actors = [promoter, reaper, lookout, janitor];
  return {
    start: async () => void (await Promise.all(actors.map((actor) => actor.start()))),
    stop: async () => void (await Promise.all(actors.map((actor) => actor.stop()))),
    wake: () => promoter.wake(),
    due: (inMs) => promoter.due(inMs),
    opens: (inMs) => promoter.opens(inMs),
  };
}

/** Puts the first looks of the two together; a new start begins with both again. */
function firstOf(onFirst: (found: Found) => void = () => {}) {
  let taken: Taken | undefined;
  let overdue: number | undefined;
  const tell = () => {
    if (taken === undefined || overdue === undefined) return;
    onFirst({ ...taken, overdue });
    taken = undefined;
    overdue = undefined;
  };
  return {
    swept(found: Taken) {
      taken = found;
      tell();
    },
    promoted(count: number) {
      overdue = count;
      tell();
    },
  };
}
