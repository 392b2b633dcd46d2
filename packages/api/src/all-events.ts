import type { EventRecord, Store } from "@jobbers/core";
import type { ApiContext } from "./context.js";
import { follow } from "./follow.js";
import type { Sink } from "./sse.js";
import { eventView } from "./views.js";

/** Which events are told; what is left out lets all pass. */
export interface EventFilter {
  readonly run?: string | undefined;
  readonly dag?: string | undefined;
  readonly types?: readonly string[] | undefined;
}

/** Tells a client the events of all runs. */
export function tellAll(
  { store, feed }: ApiContext,
  { run, dag, types }: EventFilter,
  after: number | undefined,
  { write, signal }: Sink,
): Promise<void> {
  const nameOf = createRunNames(store);
  const isWanted = async (event: EventRecord) =>
    (run === undefined || event.run === run) &&
    (types === undefined || types.includes(event.type)) &&
    (dag === undefined || (await nameOf(event.run)) === dag);

  return follow({
    ...{ store, feed, after, signal },
    async begin() {
      const place = await store.lastEvent();
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
      await write({ event: "gap", data: '{"type":"gap"}' });
      return undefined;
    },
    async poll() {
      return undefined;
    },
  });
}

const MAX_NAMES = 10_000;

/** Remembers what runs are runs of; events do not say. */
function createRunNames(store: Pick<Store, "getRun">) {
  const names = new Map<string, string | undefined>();
  return async (run: string): Promise<string | undefined> => {
    if (names.has(run)) return names.get(run);
    const name = (await store.getRun(run))?.name;
    names.set(run, name);
    const [oldest] = names.keys();
    if (names.size > MAX_NAMES) names.delete(oldest as string);
    return name;
  };
}
