import type { ExchangeReply, Store } from "@jobbers/core";

/**
 * A store that works as the given one does, and tells how long it is, in milliseconds, until its next timer is due, whenever the
 * answer to an exchange says so. A worker that is handed this one tells the upkeep beside it of the retries that it reports, and of
 * what others have scheduled; and of the limits that it has met.
 *
 * @example
 * const upkeep = createUpkeep({ store });
 * const worker = createWorker({ store: watchTimers(store, upkeep.due, upkeep.opens), workflows });
 */
export function watchTimers(
  store: Store,
  onDue: (inMs: number) => void,
  onOpens?: (inMs: number) => void,
): Store {
  const watch = async (answer: Promise<ExchangeReply>) => {
    const reply = await answer;
    if (reply.nextDueMs !== undefined) onDue(reply.nextDueMs);
    if (reply.opensInMs !== undefined) onOpens?.(reply.opensInMs);
    return reply;
  };
  const watched: Pick<Store, "exchange" | "standBy"> = { exchange: (call) => watch(store.exchange(call)) };
  if (store.standBy)
    watched.standBy = (call, signal) => watch((store as Required<Store>).standBy(call, signal));
  return new Proxy(store, {
    get(target, key) {
      if (key === "exchange" || key === "standBy") return watched[key];
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
