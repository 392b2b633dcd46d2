import { isEnded, type JobbersError, type RunRecord } from "@jobbers/core";
import { createBell } from "./bell.js";
import type { Feed } from "./feed.js";
import type { RunEvent } from "./run-types.js";

/** What watching a run takes: the feed that says when to look, and the look itself. */
export interface Watched {
  readonly id: string;
  readonly feed: Feed;
  /** Reads the record; throws `run-unknown` when there is none. */
  read(): Promise<RunRecord>;
}

/** Waits until a run has ended, and answers its record. */
export async function untilEnded({ id, feed, read }: Watched, signal?: AbortSignal): Promise<RunRecord> {
  signal?.throwIfAborted();
  const first = await read();
  if (isEnded(first.state)) return first;
  const bell = createBell();
  const subscription = feed.listen(id, {
    // A wide run has a million other events; none of them is worth a look.
    event: (event) => event.type === "run.ended" && bell.ring(),
    gap: bell.ring,
    poll: bell.ring,
    closed: bell.break,
  });
  try {
    await subscription.ready;
    for (;;) {
      const record = await readThroughBusy(read);
      if (record && isEnded(record.state)) return record;
      await bell.sleep(signal);
    }
  } finally {
    subscription.close();
  }
}

/** While nobody takes events they are kept, up to so many; then they count as missed. */
const MAX_BUFFERED = 10_000;

/** The events of a run from now on, closed by its `run.ended`. */
export async function* eventsOf({ id, feed, read }: Watched, signal?: AbortSignal): AsyncGenerator<RunEvent> {
  const bell = createBell();
  let buffer: RunEvent[] = [];
  let look = true;
  const push = (event: RunEvent) => {
    if (buffer.length >= MAX_BUFFERED) buffer = [{ type: "gap" }];
    buffer.push(event);
    bell.ring();
  };
  const lookAgain = () => {
    look = true;
    bell.ring();
  };
  const subscription = feed.listen(id, {
    event: ({ cursor: _cursor, run: _run, ...event }) => push(event),
    gap: () => {
      push({ type: "gap" });
      lookAgain();
    },
    poll: lookAgain,
    closed: bell.break,
  });
  try {
    await subscription.ready;
    for (;;) {
      for (let event = buffer.shift(); event; event = buffer.shift()) {
        yield event;
        if (event.type === "run.ended") return;
      }
      if (look) {
        look = false;
        const record = await readThroughBusy(read);
        // The end may have been in a gap, or before the first event: it is told all the same.
        if (record && isEnded(record.state) && buffer.length === 0) {
          yield {
            type: "run.ended",
            atMs: record.endedAtMs ?? record.createdAtMs,
            detail: { state: record.state },
          };
          return;
        }
      }
      await bell.sleep(signal);
    }
  } finally {
    subscription.close();
  }
}

/** A store that is busy for a moment is asked again at the next ring. */
async function readThroughBusy(read: () => Promise<RunRecord>): Promise<RunRecord | undefined> {
  try {
    return await read();
  } catch (error) {
    if ((error as JobbersError).code === "store-busy") return undefined;
    throw error;
  }
}
