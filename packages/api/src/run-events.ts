import { isEnded, type RunRecord } from "@jobbers/core";
import { follow } from "@jobbers/runs";
import type { ApiContext } from "./context.js";
import { readRun, readRunDetail } from "./run-detail.js";
import type { Sink } from "./sse.js";
import { eventView } from "./views.js";

/** Tells a client what happens to a run: how it is, then its events, until its end. */
export function tellRun(
  { store, feed, plans }: ApiContext,
  id: string,
  after: number | undefined,
  { write, signal }: Sink,
): Promise<void> {
  /** The last place that was told, for what is told without one of its own. */
  let told = after ?? 0;

  const tellEnd = async ({ endedAtMs, createdAtMs, state }: RunRecord): Promise<"end"> => {
    const event = {
      cursor: told,
      atMs: endedAtMs ?? createdAtMs,
      run: id,
      type: "run.ended",
      detail: { state },
    } as const;
    await write({ id: told, event: event.type, data: JSON.stringify(eventView(event)) });
    return "end";
  };
  const begin = async (): Promise<number | "end"> => {
    // First the place, then the record: what happens between the two is told twice rather than never.
    const place = await store.lastEvent();
    const record = await readRun(store, id);
    const run = await readRunDetail(store, plans, record);
    told = place;
    await write({ id: place, event: "snapshot", data: `{"type":"snapshot","run":${run}}` });
    return isEnded(record.state) ? tellEnd(record) : place;
  };

  return follow({
    ...{ store, feed, run: id, after, signal, begin },
    async event(event) {
      told = event.cursor;
      await write({ id: event.cursor, event: event.type, data: JSON.stringify(eventView(event)) });
      if (event.type !== "run.ended") return undefined;
      // An end in the past may have been followed by a retry.
      const record = await store.getRun(id);
      return !record || isEnded(record.state) ? "end" : undefined;
    },
    async gap() {
      await write({ event: "gap", data: '{"type":"gap"}' });
      return begin();
    },
    async poll(catchUp) {
      const record = await store.getRun(id);
      if (!record || !isEnded(record.state)) return undefined;
      // The feed is a hint, and may have lost the end; but what it still has is told first.
      return (await catchUp()) ?? tellEnd(record);
    },
  });
}
