import { type EventRecord, isRunEvent, type Store } from "@jobbers/core";

/** Which events are told; what is left out lets all pass. Events of workers and queues are of no run and of no dag. */
export interface EventFilter {
  /** Only those of one run. */
  readonly run?: string | undefined;
  /** Only those of runs of this dag or task. */
  readonly dag?: string | undefined;
  readonly types?: readonly string[] | undefined;
}

/** Makes a filter of events. */
export function createEventFilter(
  store: Pick<Store, "getRun">,
  { run, dag, types }: EventFilter,
): (event: EventRecord) => Promise<boolean> {
  const nameOf = createRunNames(store);
  return async (event) =>
    (types === undefined || types.includes(event.type)) &&
    (isRunEvent(event)
      ? (run === undefined || event.run === run) && (dag === undefined || (await nameOf(event.run)) === dag)
      : run === undefined && dag === undefined);
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
