import type { QueueEventRecord, RunEventRecord, Store, WorkerEventRecord } from "@jobbers/core";
import { createBell } from "./bell.js";
import { createEventFilter, type EventFilter } from "./event-filter.js";
import type { Feed } from "./feed.js";
import { follow } from "./follow.js";

/** Something that happened to any run, worker or queue, or the news that events were missed. */
export type FeedEvent =
  | Omit<RunEventRecord, "cursor">
  | Omit<WorkerEventRecord, "cursor">
  | Omit<QueueEventRecord, "cursor">
  | { readonly type: "gap" };

/** What reading the events of all runs needs. */
export interface AllEventsDeps {
  readonly store: Pick<Store, "readEvents" | "lastEvent" | "getRun">;
  readonly feed: Feed;
}

/**
 * The events of all runs, workers and queues from now on, until the signal aborts. Each is taken from the feed when the one before was taken from here: so
 * a slow reader keeps nothing in memory, and misses only what the store has trimmed.
 *
 * @throws the signal's reason; JobbersError `store-closed`
 */
export async function* allEventsOf(
  { store, feed }: AllEventsDeps,
  filter: EventFilter,
  signal?: AbortSignal,
): AsyncGenerator<FeedEvent> {
  signal?.throwIfAborted();
  const isWanted = createEventFilter(store, filter);
  const leaving = new AbortController();
  const ending = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal;
  const brought = createBell();
  const taken = createBell();
  let next: FeedEvent | undefined;
  const bring = async (event: FeedEvent) => {
    next = event;
    brought.ring();
    await taken.sleep(ending);
    return undefined;
  };
  const following = follow({
    ...{ store, feed, after: undefined, signal: ending },
    begin: () => store.lastEvent(),
    async event(event) {
      const { cursor: _cursor, ...told } = event;
      return (await isWanted(event)) ? bring(told) : undefined;
    },
    gap: () => bring({ type: "gap" }),
    poll: async () => undefined,
  });
  following.catch(brought.break);
  try {
    for (;;) {
      await brought.sleep(signal);
      const event = next;
      next = undefined;
      if (event) yield event;
      taken.ring();
    }
  } finally {
    leaving.abort();
    await following.catch(() => undefined);
  }
}
