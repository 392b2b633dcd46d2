import { type EventRecord, isRunEvent, type JobbersError, type Store } from "@jobbers/core";
import { createBell } from "./bell.js";
import type { Feed, FeedListener } from "./feed.js";

/**
 * Following the feed from a place on, without a hole: what comes in is handed on while the follower keeps up; what it missed,
 * because it came back, read too slowly, or the feed's reader lost its place, is read from the store, a page at a time.
 */
export interface Following {
  readonly store: Pick<Store, "readEvents" | "lastEvent">;
  readonly feed: Feed;
  /** Only the events of this run. */
  readonly run?: string | undefined;
  /** The last place that is known; without one, `begin` says where it begins. */
  readonly after: number | undefined;
  readonly signal: AbortSignal;
  /** Called once the feed is listened to; answers the place from which on events are wanted. */
  begin(): Promise<number | "end">;
  /** Each event is handed on when the one before is through. */
  event(event: EventRecord): Promise<"end" | undefined>;
  /** Events are gone for good. May answer a place to go on from, else it goes on with what is left. */
  gap(): Promise<number | "end" | undefined>;
  /** Some seconds have passed; `catchUp` hands on all that is in the feed by now. */
  poll(catchUp: () => Promise<"end" | undefined>): Promise<"end" | undefined>;
}

/** How many events wait while one is handed on; beyond that they are read from the store instead. */
const MAX_QUEUED = 1_000;
const PAGE = 500;

/** How many pages of the feed are looked through for events of one run before they count as missed. */
const MAX_PAGES = 40;

/** Follows until a call answers "end" or the signal aborts. */
export async function follow(following: Following): Promise<void> {
  const { store, feed, run, signal, begin, event: handOn, gap, poll } = following;
  const bell = createBell();
  let queue: EventRecord[] = [];
  let isBehind = following.after !== undefined;
  let isPolled = false;
  /** True while the follower has had all that was handed over, so that the reader's place is its own as well. */
  let isAbreast = false;
  const fallBehind = () => {
    queue = [];
    isBehind = true;
    isAbreast = false;
    bell.ring();
  };
  const listener: FeedListener = {
    event(event) {
      if (queue.length >= MAX_QUEUED) fallBehind();
      else queue.push(event);
      bell.ring();
    },
    gap: fallBehind,
    poll(place) {
      isPolled = true;
      // Of a quiet run there is no event to go by: without this, who falls behind once would read the feed from hours ago.
      if (place !== undefined && queue.length === 0 && isAbreast) last = Math.max(last, place);
      bell.ring();
    },
    closed: bell.break,
  };
  let last = following.after ?? 0;

  /** Reads what lies between the last place and the feed's end. */
  const catchUp = async (): Promise<"end" | undefined> => {
    isBehind = false;
    const target = await store.lastEvent();
    const skip = async () => {
      const place = await gap();
      last = typeof place === "number" ? place : Math.min(last, target);
      return place;
    };
    // A place beyond the end is one of another store.
    if (last > target && (await skip()) === "end") return "end";
    for (let pages = 1; last < target; pages++) {
      const page = await store.readEvents(last, PAGE);
      if (page.gap || (run !== undefined && pages > MAX_PAGES)) {
        const place = await skip();
        if (place === "end") return "end";
        if (place !== undefined) continue;
      }
      for (const each of page.events) {
        if (run !== undefined && !isOf(each, run)) continue;
        if ((await handOn(each)) === "end") return "end";
      }
      if (page.cursor <= last) return undefined;
      last = page.cursor;
    }
    return undefined;
  };
  const handOnQueued = async (): Promise<"end" | undefined> => {
    while (!isBehind) {
      const event = queue.shift();
      if (!event) return undefined;
      if (event.cursor <= last) continue;
      if ((await handOn(event)) === "end") return "end";
      last = Math.max(last, event.cursor);
    }
    return undefined;
  };

  const subscription = run === undefined ? feed.listenAll(listener) : feed.listen(run, listener);
  try {
    await subscription.ready;
    if (following.after === undefined) {
      const place = await begin();
      if (place === "end") return;
      last = place;
    }
    for (;;) {
      try {
        isAbreast = false;
        if ((isBehind ? await catchUp() : await handOnQueued()) === "end") return;
        if (isBehind) continue;
        if (isPolled) {
          isPolled = false;
          if ((await poll(catchUp)) === "end") return;
        }
      } catch (error) {
        // A store that is busy for a moment is asked again at the next ring, from the place where we were.
        if ((error as JobbersError).code !== "store-busy") throw error;
        isBehind = true;
      }
      isAbreast = !isBehind;
      await bell.sleep(signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    subscription.close();
  }
}

/** True for an event of a run. */
function isOf(event: EventRecord, run: string): boolean {
  return isRunEvent(event) && event.run === run;
}

/** Whether the feed has anything of a run after a place, or does not know any more. */
export async function hasMore(
  store: Pick<Store, "readEvents" | "lastEvent">,
  run: string,
  after: number,
): Promise<boolean> {
  const target = await store.lastEvent();
  if (after > target) return true;
  let last = after;
  for (let pages = 1; last < target; pages++) {
    const page = await store.readEvents(last, PAGE);
    if (page.gap || pages > MAX_PAGES || page.events.some((event) => isOf(event, run))) return true;
    if (page.cursor <= last) return false;
    last = page.cursor;
  }
  return false;
}
