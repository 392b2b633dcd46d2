import { type EventRecord, isRunEvent, JobbersError, type RunEventRecord, type Store } from "@jobbers/core";

/**
 * The one reader of a connection's event feed: it hands each event to those who listen to its run.
 *
 * The feed is a hint and the record is the truth, so listeners read records; the feed only says when. Who listens first and
 * reads afterwards misses nothing: the cursor is taken before `ready` resolves. Nothing is read while nobody listens.
 */
export interface Feed {
  /** Hands over every event of a run from the moment on at which `ready` resolves. */
  listen(run: string, listener: FeedListener<RunEventRecord>): Subscription;
  /** The same for the events of all runs, and of workers. */
  listenAll(listener: FeedListener): Subscription;
  /** Ends all subscriptions. */
  close(): void;
}

/** What a listener is told; all calls are synchronous and must not throw. */
export interface FeedListener<E extends EventRecord = EventRecord> {
  event(event: E): void;
  /** Events were missed: read the record again. */
  gap(): void;
  /**
   * Nothing special, but some seconds have passed: read the record again, for the feed is only a hint. All events up to the place
   * were handed over; it is unknown while the reader has lost its own.
   */
  poll(place: number | undefined): void;
  closed(error: JobbersError): void;
}

export interface Subscription {
  readonly ready: Promise<void>;
  close(): void;
}

/** Of how many events a page is, how long one wait for them is, and what is polled beside them, how often. */
export interface FeedPace {
  readonly page: number;
  /**
   * So many events in one page are a flood: then the reader rests for `floodMs`, for each of its waits costs those who work a wake-up.
   */
  readonly flood: number;
  readonly floodMs: number;
  /**
   * Where events keep coming, though few at a time, the reader rests between its pages for this part of the time that they have, `floodMs`
   * at most: what it tells is late by so much. It begins anew after a pause of `quietMs`, and when somebody comes who may wait for one
   * event only.
   */
  readonly lateness: number;
  readonly quietMs: number;
  readonly waitMs: number;
  readonly pollMs: number;
  readonly pollRuns: number;
  readonly retryMs: number;
}

const defaultPace: FeedPace = {
  ...{ page: 2_000, flood: 40, floodMs: 100, lateness: 0.05, quietMs: 50 },
  ...{ waitMs: 30_000, pollMs: 5_000, pollRuns: 1_000, retryMs: 500 },
};

/** Makes the feed reader of a connection. */
export function createFeed(store: Store, pace: FeedPace = defaultPace): Feed {
  const listeners = new Map<string, Set<FeedListener<RunEventRecord>>>();
  let reading: Reading | undefined;
  let closed: JobbersError | undefined;

  /** Those who listen to everything. */
  const everywhere = new Set<FeedListener>();

  const dispatch = (events: readonly EventRecord[]) => {
    for (const event of events) {
      if (isRunEvent(event)) for (const each of listeners.get(event.run) ?? []) each.event(event);
      for (const each of everywhere) each.event(event);
    }
  };
  const tellGap = () => {
    for (const set of [everywhere, ...listeners.values()]) for (const each of set) each.gap();
  };
  // Map iterators live on through insertions and deletions: each tick goes on where the last one stopped.
  let rounds = listeners.values();
  const poll = (place: number | undefined) => {
    for (const each of everywhere) each.poll(place);
    for (let i = 0; i < Math.min(pace.pollRuns, listeners.size); i++) {
      let next = rounds.next();
      if (next.done) {
        rounds = listeners.values();
        next = rounds.next();
      }
      for (const each of next.value ?? []) each.poll(place);
    }
  };

  const subscribe = (leave: () => void): Subscription => {
    reading ??= startReading(store, pace, { dispatch, tellGap, poll });
    reading.hurry();
    return {
      ready: reading.ready,
      close() {
        leave();
        if (listeners.size > 0 || everywhere.size > 0) return;
        reading?.stop();
        reading = undefined;
      },
    };
  };

  return {
    listen(run, listener) {
      if (closed) throw closed;
      const set = listeners.get(run) ?? new Set();
      listeners.set(run, set.add(listener));
      return subscribe(() => {
        set.delete(listener);
        if (set.size === 0 && listeners.get(run) === set) listeners.delete(run);
      });
    },
    listenAll(listener) {
      if (closed) throw closed;
      everywhere.add(listener);
      return subscribe(() => everywhere.delete(listener));
    },
    close() {
      closed ??= new JobbersError("store-closed", "the connection to the store was closed");
      reading?.stop();
      const all = [everywhere, ...listeners.values()].flatMap((set) => [...set]);
      for (const each of all) each.closed(closed);
      listeners.clear();
      everywhere.clear();
    },
  };
}

interface Reading {
  readonly ready: Promise<void>;
  /** Tells that somebody has come. */
  hurry(): void;
  stop(): void;
}

interface Audience {
  dispatch(events: readonly EventRecord[]): void;
  tellGap(): void;
  poll(place: number | undefined): void;
}

/** Reads from the feed's present end on until it is stopped; store errors only make it pause. */
function startReading(store: Store, pace: FeedPace, audience: Audience): Reading {
  const stopping = new AbortController();
  const { signal } = stopping;
  let cursor: number | undefined;
  /** Since when events have come without a pause. */
  let sinceMs = performance.now();
  const timer = setInterval(() => audience.poll(cursor), pace.pollMs);
  let ready: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });

  const restAfter = (events: number) =>
    events >= pace.flood
      ? pace.floodMs
      : Math.min(pace.floodMs, (performance.now() - sinceMs) * pace.lateness);

  const untilMore = async (after: number) => {
    const fromMs = performance.now();
    await store.awaitEvents(after, { timeoutMs: pace.waitMs, signal });
    if (performance.now() - fromMs >= pace.quietMs) sinceMs = performance.now();
  };

  const run = async () => {
    let missed = false;
    while (!signal.aborted) {
      try {
        if (cursor === undefined) {
          cursor = await store.lastEvent();
          if (missed && !signal.aborted) audience.tellGap();
          missed = false;
          ready();
        }
        const page = await store.readEvents(cursor, pace.page);
        if (signal.aborted) return;
        cursor = page.cursor;
        if (page.gap) audience.tellGap();
        audience.dispatch(page.events);
        if (page.events.length >= pace.page) continue;
        const restMs = restAfter(page.events.length);
        if (restMs >= 1) await pause(restMs, signal);
        if (page.events.length < pace.flood) await untilMore(cursor);
      } catch {
        // Whoever listens reads records as well and meets the same error there; here it only costs the place in the feed.
        cursor = undefined;
        missed = true;
        ready();
        await pause(pace.retryMs * (0.5 + Math.random()), signal);
      }
    }
  };
  void run().finally(ready);
  return {
    ready: isReady,
    hurry() {
      sinceMs = performance.now();
    },
    stop() {
      clearInterval(timer);
      stopping.abort();
    },
  };
}

/** Waits, or until the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    if (signal.aborted) done();
  });
}
