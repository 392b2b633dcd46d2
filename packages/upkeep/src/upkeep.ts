import type { Retention, Store } from "@jobbers/core";
import type { ActorOptions } from "./actor.js";
import { Janitor } from "./janitor.js";
import { Promoter } from "./promoter.js";
import { goneFrom, Reaper } from "./reaper.js";

/** What `createUpkeep` takes. */
export interface UpkeepOptions extends ActorOptions {
  readonly store: Pick<Store, "promoteDue" | "reapSessions" | "listWorkers" | "purge" | "large">;
  /**
   * Which machine this is, as its workers say (`hostIdentity()` of the worker): steps of its dead processes are taken back at
   * once. Left out, every lost worker's lease is waited for.
   */
  readonly host?: string | undefined;
  /** How long, and how many, ended runs are kept, by outcome. */
  readonly retention?: Partial<Retention> | undefined;
  /** How far the reaper's sweeps are apart, in milliseconds; default 5 s. */
  readonly sweepMs?: number | undefined;
  /** How often due timers are looked for at least, in milliseconds; default 5 s. */
  readonly pollMs?: number | undefined;
  /** How often ended runs are cleaned up, in milliseconds; default 1 min. */
  readonly cleanEveryMs?: number | undefined;
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
}

/**
 * Makes what keeps a store going: promoter, reaper and janitor. Any process may run it, several may, and one has to.
 *
 * @example
 * const upkeep = createUpkeep({ store, host: hostIdentity() });
 * await upkeep.start();
 */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { store, host, retention, sweepMs, pollMs, cleanEveryMs, log, random } = options;
  const promoter = new Promoter({ store, pollMs, log, random });
  const reaper = new Reaper({
    store,
    sweepMs,
    isGone: host === undefined ? undefined : goneFrom(host),
    log,
    random,
  });
  const janitor = new Janitor({ store, retention, everyMs: cleanEveryMs, log, random });
  const actors = [promoter, reaper, janitor];
  return {
    start: async () => void (await Promise.all(actors.map((actor) => actor.start()))),
    stop: async () => void (await Promise.all(actors.map((actor) => actor.stop()))),
    wake: () => promoter.wake(),
    due: (inMs) => promoter.due(inMs),
  };
}
