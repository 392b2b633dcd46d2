import type { Mail } from "@jobbers/core";
import { Audit } from "./audit.js";
import type { Bulletins } from "./bulletins.js";
import { processBirth } from "./host.js";
import type { Lane } from "./lane.js";
import type { Ledger } from "./ledger.js";
import type { Settings } from "./options.js";
import type { Serving } from "./serving.js";
import { SessionKeeper, type SessionKeeperOptions } from "./session.js";

/** What a session tells of, once there is one: it begins to live before its pool does. */
export interface Kept {
  readonly bulletins: Bulletins;
  readonly ledger: Ledger;
  readonly lanes: readonly Lane[];
  disown(message: string): void;
  wakeAll(): void;
  hearMail(mail: readonly Mail[]): void;
}

export interface KeeperSignals {
  readonly stopping: AbortSignal;
  readonly ending: AbortSignal;
}

/** Opens a worker's session, and wires what comes of it to the pool that is made next. */
export function openKeeper(
  settings: Settings,
  serving: Serving,
  signals: KeeperSignals,
  pool: () => Kept | undefined,
): Promise<SessionKeeper> {
  const { store, registry, role, name, host, leaseMs, maxBlockMs, log, random, observe } = settings;
  const { serves, registrations: registers, limits } = registry;
  let audit: Audit | undefined;
  const options: SessionKeeperOptions = {
    ...{ store, maxBlockMs, log, random, signal: signals.ending },
    opening: {
      worker: name,
      host,
      pid: process.pid,
      birth: processBirth(process.pid),
      leaseMs,
      serves,
      // A session that is opened later has what the role says by then.
      get queues() {
        return serving.queues;
      },
      role,
      registers,
      limits,
    },
    onDoubt: (what, session) => {
      observe?.({ type: "session", what, session });
      pool()?.disown("the worker's lease has ended, so another worker may have this step");
    },
    onTrust: (session) => {
      observe?.({ type: "session", what: "trusted", session });
      pool()?.wakeAll();
    },
    bulletins: {
      next: (session) => pool()?.bulletins.next(session),
      hear: (session, seq, stale) => pool()?.bulletins.hear(session, seq, stale),
    },
    onMail: (mail) => pool()?.hearMail(mail),
    onHeld: (session, held) => {
      const it = pool();
      if (!it) return;
      audit ??= new Audit({ store, ledger: it.ledger, lanes: () => it.lanes, log });
      void audit.hear(session, held);
    },
  };
  return SessionKeeper.open(options, signals.stopping);
}
