import type { Store } from "@jobbers/core";

/** Reads the whole feed along, so that what it told of each run can be counted. */
export interface FeedWatch {
  /** How often it told of each run that it ended; undefined when a part of it was missed. */
  ends(): ReadonlyMap<string, number> | undefined;
  /** Reads to the feed's end, which must not grow any more. */
  finish(): Promise<void>;
  /** Ends at once. */
  abandon(): void;
}

const PAGE = 1_000;
const RETRY_MS = 100;

/** Starts reading at the feed's beginning. */
export function watchFeed(store: Store): FeedWatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  const ends = new Map<string, number>();
  let cursor = 0;
  let missed = false;

  const readOn = async () => {
    const page = await store.readEvents(cursor, PAGE);
    missed ||= page.gap;
    cursor = page.cursor;
    for (const event of page.events)
      if (event.type === "run.ended") ends.set(event.run, (ends.get(event.run) ?? 0) + 1);
    return page.events.length;
  };
  const readAlong = async () => {
    while (!signal.aborted) {
      try {
        if ((await readOn()) < PAGE) await store.awaitEvents(cursor, { timeoutMs: 500, signal });
      } catch {
        // The store is away, which is a fault that somebody injects.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  const over = readAlong();
  return {
    ends: () => (missed ? undefined : ends),
    async finish() {
      stopping.abort();
      await over;
      while ((await readOn()) > 0);
    },
    abandon: () => stopping.abort(),
  };
}
