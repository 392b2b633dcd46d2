import {
  isEnded,
  type JobbersError,
  type LogPage,
  type LogQuery,
  type RunRecord,
  type Store,
} from "@jobbers/core";
import { createBell } from "./bell.js";
import type { Feed } from "./feed.js";

/** What reading a run's log takes. */
export interface LogSource {
  readonly id: string;
  readonly store: Pick<Store, "readLogs">;
  readonly feed: Feed;
  /** Reads the run's record; throws `run-unknown` when there is none. */
  read(): Promise<RunRecord>;
}

/** Which lines are read, and how. */
export interface LogReading extends Omit<LogQuery, "limit"> {
  /** Goes on with what comes, until the run has ended. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const PAGE = 200;

/**
 * The log of a run, a page at a time, oldest first; pages without a line are left out. The feed only says when to look again.
 *
 * @throws JobbersError `run-unknown`, `cursor-invalid`; the signal's reason
 */
export async function* logPagesOf(
  { id, store, feed, read }: LogSource,
  { follow = false, signal, after, ...query }: LogReading,
): AsyncGenerator<LogPage> {
  signal?.throwIfAborted();
  let next = after;
  const readAll = async function* () {
    for (;;) {
      const page = await store.readLogs(id, { ...query, after: next, limit: PAGE });
      next = page.next;
      if (page.lines.length > 0) yield page;
      signal?.throwIfAborted();
      if (!page.more) return;
    }
  };
  let record = await read();
  if (!follow || isEnded(record.state)) return yield* readAll();
  const bell = createBell();
  let isDoubtful = true;
  const lookAgain = () => {
    isDoubtful = true;
    bell.ring();
  };
  const subscription = feed.listen(id, {
    event: ({ type, step }) => {
      if (type === "run.ended") lookAgain();
      else if (type === "step.logged" && (query.address ?? step) === step) bell.ring();
    },
    gap: lookAgain,
    poll: lookAgain,
    closed: bell.break,
  });
  try {
    await subscription.ready;
    for (;;) {
      try {
        // First the record, then its lines: those of a run that has ended are all there.
        if (isDoubtful) record = await read();
        isDoubtful = false;
        yield* readAll();
        if (isEnded(record.state)) return;
      } catch (error) {
        // A store that is busy for a moment is asked again at the next ring.
        if ((error as JobbersError).code !== "store-busy") throw error;
        isDoubtful = true;
      }
      await bell.sleep(signal);
    }
  } finally {
    subscription.close();
  }
}
