import type { EventRecord, RunRecord, Store } from "@jobbers/core";
import { statusOf } from "@jobbers/runs";
import { failureLine } from "../run-lines.js";
import { showDuration } from "../table.js";

/** Writes a line when a run begins or ends. */
export interface RunLog {
  /** Writes what has happened so far, and ends. */
  close(): Promise<void>;
}

const PAGE = 500;
const WAIT_MS = 10_000;

/** Starts to write, from what happens after this moment on. */
export async function startRunLog(store: Store, note: (line: string) => void): Promise<RunLog> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let cursor = await store.lastEvent();

  const writeNew = async () => {
    const page = await store.readEvents(cursor, PAGE);
    cursor = page.cursor;
    for (const event of page.events) {
      if (event.type !== "run.created" && event.type !== "run.ended") continue;
      const record = await store.getRun(event.run);
      if (record) note(lineOf(event, record));
    }
    return page.events.length;
  };
  const follow = async () => {
    while (!signal.aborted) {
      const count = await writeNew();
      if (count < PAGE) await store.awaitEvents(cursor, { timeoutMs: WAIT_MS, signal });
    }
    await writeNew();
  };
  // A log that breaks off with its store is the least of what is lost then.
  const done = follow().catch(() => undefined);
  return {
    close() {
      stopping.abort();
      return done;
    },
  };
}

function lineOf({ type }: EventRecord, record: RunRecord): string {
  const { id, name, state, createdAtMs, startedAtMs, endedAtMs, failure } = statusOf(record);
  const run = `run ${id} of ${name}`;
  if (type === "run.created") return `${run} ${state === "scheduled" ? "is scheduled" : "begins"}`;
  const took = showDuration(Math.max(0, (endedAtMs ?? createdAtMs) - (startedAtMs ?? createdAtMs)));
  const why = failure ? `: ${failureLine(failure)}` : "";
  return `${run} ${state} after ${took}${why.split("\n")[0]}`;
}
