import { createEventFilter, type EventFilter, follow } from "@jobbers/runs";
import type { ApiContext } from "./context.js";
import type { Sink } from "./sse.js";
import { eventView } from "./views.js";

/** Tells a client the events of all runs. */
export function tellAll(
  { store, feed }: ApiContext,
  filter: EventFilter,
  after: number | undefined,
  { write, signal }: Sink,
): Promise<void> {
  /** The client has been somewhere, but not in this feed. */
  const isLost = Number.isNaN(after);
  const tellGap = () => write({ event: "gap", data: '{"type":"gap"}' });
  const isWanted = createEventFilter(store, filter);
  return follow({
    ...{ store, feed, after: isLost ? undefined : after, signal },
    async begin() {
      const place = await store.lastEvent();
      if (isLost) await tellGap();
      // So that who is cut off before the first event knows where to go on.
      await write({ id: place, event: "start", data: '{"type":"start"}' });
      return place;
    },
    async event(event) {
      if (await isWanted(event))
        await write({ id: event.cursor, event: event.type, data: JSON.stringify(eventView(event)) });
      return undefined;
    },
    async gap() {
      await tellGap();
      return undefined;
    },
    async poll() {
      return undefined;
    },
  });
}
