import {
  checkRunQuery,
  EXAMINED_LIMIT,
  type RunQuery,
  type RunRecord,
  type RunState,
  runCursor,
} from "@jobbers/core";
import type { Sql, SqlValue } from "./driver.js";
import { columns, type RunRow, recordOf } from "./runs.js";

/** With what the cursors of this kind of store begin. */
const STORE = "s";

/** How many runs are examined in one go. */
const WINDOW = 500;

/** Where the runs of a state are found without those of others, written out as the index has it. */
const byState: Partial<Record<RunState, string>> = {
  scheduled: "INDEXED BY runs_by_state WHERE state = 'scheduled' AND",
  failed: "INDEXED BY runs_by_state WHERE state = 'failed' AND",
  cancelled: "INDEXED BY runs_by_state WHERE state = 'cancelled' AND",
};

/** Runs by submission, newest first. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export function listRuns(sql: Sql, query: RunQuery): { runs: RunRecord[]; next?: string } {
  const { state, name, tag, limit, createdAfterMs, createdBeforeMs, below } = checkRunQuery(query, STORE);
  const from = `FROM runs ${(state && byState[state]) ?? "WHERE"} seq < ?1 AND seq >= ?2 ORDER BY seq DESC`;
  const select =
    `SELECT * FROM (SELECT ${columns} ${from} LIMIT ${WINDOW}) ` +
    "WHERE purged = 0 AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR name = ?4) " +
    "AND (?5 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?5)) LIMIT ?6";
  const last = `SELECT seq ${from} LIMIT 1 OFFSET ${WINDOW - 1}`;
  const filter: SqlValue[] = [state ?? null, name ?? null, tag ?? null];
  const floor = createdAfterMs === undefined ? 0 : firstSince(sql, createdAfterMs);
  const end = createdBeforeMs === undefined ? Number.MAX_SAFE_INTEGER : firstSince(sql, createdBeforeMs);
  const runs: RunRecord[] = [];
  let before = Math.min(end, below ?? end);
  for (let examined = 0; examined < EXAMINED_LIMIT; examined += WINDOW) {
    const room = limit - runs.length;
    const rows = sql.all<RunRow>(select, before, floor, ...filter, room);
    for (const row of rows) runs.push(recordOf(sql, row));
    if (rows.length === room) return { runs, next: runCursor((rows.at(-1) as RunRow).seq, STORE) };
    // Where the window is not full, there is nothing behind it.
    const windowEnd = sql.tuple(last, before, floor);
    if (!windowEnd) return { runs };
    before = windowEnd[0] as number;
  }
  return { runs, next: runCursor(before, STORE) };
}

/** The number of the first run that was submitted at an instant or after it: runs are numbered in the order of their submission. */
function firstSince(sql: Sql, instant: number): number {
  let low = 0;
  let high = ((sql.tuple("SELECT max(seq) FROM runs")?.[0] as number | null | undefined) ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = sql.tuple("SELECT seq, created FROM runs WHERE seq >= ? ORDER BY seq LIMIT 1", middle);
    if (!row || (row[1] as number) >= instant) high = middle;
    else low = (row[0] as number) + 1;
  }
  return low;
}
