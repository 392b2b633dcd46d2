import type { EventRecord, JsonValue, OrphanFigures, WorkerStart } from "@jobbers/core";
import type { Sql } from "./driver.js";

interface EventRow {
  readonly cursor: number;
  readonly at: number;
  readonly run: string | null;
  readonly type: EventRecord["type"];
  readonly step: string | null;
  readonly detail: string | null;
}

/**
 * The feed after a cursor; what it told of runs that are gone is gone with them, but for their end: a run that is kept 0 ms is
 * gone the moment it ends, and who waits for it has to hear of that.
 */
export function readEvents(sql: Sql, after: number, limit: number) {
  const select =
    "SELECT cursor, at, runs.id AS run, type, step, detail FROM events LEFT JOIN runs ON runs.seq = events.run AND (purged = 0 OR type = 'run.ended') " +
    "WHERE cursor > ? ORDER BY cursor LIMIT ?";
  const rows = sql.all<EventRow>(select, after, limit);
  const events = rows.flatMap((row) => recordOf(row) ?? []);
  const first = sql.get<{ first: number | null }>("SELECT min(cursor) AS first FROM events")?.first ?? 1;
  return { events, cursor: rows.at(-1)?.cursor ?? after, gap: after > 0 && first > after + 1 };
}

function recordOf({ cursor, at, run, type, step, detail }: EventRow): EventRecord | undefined {
  const told = detail === null ? undefined : (JSON.parse(detail) as JsonValue);
  const head = { cursor, atMs: at };
  if (type === "worker.started")
    return { ...head, type, worker: step ?? "", detail: told as unknown as WorkerStart };
  if (type === "queue.orphaned" || type === "queue.served")
    return { ...head, type, queue: step ?? "", detail: told as unknown as OrphanFigures };
  return run === null ? undefined : { ...head, run, type, step: step ?? undefined, detail: told };
}

/** The cursor at the feed's end. */
export function lastEvent(sql: Sql): number {
  return sql.get<{ last: number | null }>("SELECT max(cursor) AS last FROM events")?.last ?? 0;
}
