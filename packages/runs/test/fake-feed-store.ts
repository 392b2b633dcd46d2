import type { RunEventRecord, Store } from "@jobbers/core";

/** As much of a store as a feed reader uses, with an event log that the test writes. */
export interface FakeFeedStore extends Pick<Store, "lastEvent" | "readEvents" | "awaitEvents"> {
  append(run: string, type?: RunEventRecord["type"]): void;
  /** Forgets all events that were written so far. */
  trim(): void;
  /** Makes the next reading call reject. */
  fail(error: Error): void;
  /** How often each verb was called. */
  readonly calls: { lastEvent: number; readEvents: number; awaitEvents: number };
}

/** Makes such a store. */
export function createFakeFeedStore(): FakeFeedStore {
  let events: RunEventRecord[] = [];
  let end = 0;
  let trimmed = 0;
  let failure: Error | undefined;
  const waiting = new Set<() => void>();
  const calls = { lastEvent: 0, readEvents: 0, awaitEvents: 0 };
  const failMaybe = () => {
    const error = failure;
    failure = undefined;
    if (error) throw error;
  };
  const wakeAll = () => {
    for (const wake of [...waiting]) wake();
  };
  return {
    calls,
    append(run, type = "steps") {
      end += 1;
      events.push({ cursor: end, atMs: 0, run, type });
      wakeAll();
    },
    trim() {
      events = [];
      trimmed = end;
    },
    fail(error) {
      failure = error;
      wakeAll();
    },
    async lastEvent() {
      calls.lastEvent += 1;
      failMaybe();
      return end;
    },
    async readEvents(after, limit) {
      calls.readEvents += 1;
      failMaybe();
      const page = events.filter(({ cursor }) => cursor > after).slice(0, limit);
      return { events: page, cursor: page.at(-1)?.cursor ?? Math.max(after, trimmed), gap: after < trimmed };
    },
    async awaitEvents(after, { signal }) {
      calls.awaitEvents += 1;
      if (end > after || failure || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    },
  };
}
