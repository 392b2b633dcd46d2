import type { Lease, Store } from "@jobbers/core";
import type { LineFile } from "../line-file.js";

/**
 * A worker is about to give leases back: from then on they may have ended, which the feed does not tell. No leases: all that the session
 * has, which ends.
 */
export interface GivenBackLine {
  readonly type: "given-back";
  readonly at: number;
  readonly pid: number;
  readonly leases?: readonly Lease[] | undefined;
}

/** A store that says before each call which leases that gives back. */
export function tellGivenBack(store: Store, ledger: LineFile<GivenBackLine>): Store {
  const tell = (leases?: readonly Lease[]) =>
    ledger.append([{ type: "given-back", at: Date.now(), pid: process.pid, ...(leases && { leases }) }]);
  return {
    ...store,
    exchange(exchange) {
      const leases = exchange.reports.flatMap(({ type, lease }) => (type === "released" ? [lease] : []));
      if (leases.length > 0) tell(leases);
      return store.exchange(exchange);
    },
    release(session, leases) {
      tell(leases);
      return store.release(session, leases);
    },
    closeSession(session) {
      tell();
      return store.closeSession(session);
    },
  };
}
