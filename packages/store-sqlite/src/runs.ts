import { isEnded, type RunQuery, type RunRecord, type RunState, valueKey } from "@jobbers/core";
import type { Sql, SqlValue } from "./driver.js";

/** How many runs one call looks at, however few of them match. */
const SCAN_LIMIT = 10_000;

/** How many runs are looked at in one go. */
const WINDOW = 500;

interface RunRow {
  readonly seq: number;
  readonly id: string;
  readonly kind: "dag" | "task";
  readonly name: string;
  readonly plan: string;
  readonly state: RunState;
  readonly cancelling: number;
  readonly priority: number;
  readonly tags: string;
  readonly created: number;
  readonly started: number | null;
  readonly ended: number | null;
  readonly failed: number;
  readonly traceparent: string | null;
  readonly purged: number;
}

const columns =
  "seq, id, kind, name, plan, state, cancelling, priority, tags, created, started, ended, failed, traceparent, purged";

export function getRun(sql: Sql, id: string): RunRecord | undefined {
  const row = sql.get<RunRow>(`SELECT ${columns} FROM runs WHERE id = ?`, id);
  return row && recordOf(sql, row);
}

function recordOf(sql: Sql, row: RunRow): RunRecord {
  const key = valueKey.failure("");
  const failure =
    row.failed > 0 && !row.purged
      ? sql.get<{ text: string }>("SELECT text FROM vals WHERE run = ? AND key = ?", row.seq, key)
      : undefined;
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    plan: row.plan,
    state: row.state,
    cancelling: row.cancelling === 1,
    priority: row.priority,
    tags: JSON.parse(row.tags) as string[],
    createdAtMs: row.created,
    startedAtMs: row.started ?? undefined,
    endedAtMs: row.ended ?? undefined,
    failure: failure?.text,
    traceparent: row.traceparent ?? undefined,
    purged: row.purged === 1,
  };
}

/** Runs by submission, newest first. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export function listRuns(sql: Sql, { state, name, tag, limit, cursor }: RunQuery) {
  const select =
    `SELECT * FROM (SELECT ${columns} FROM runs WHERE seq < ?1 ORDER BY seq DESC LIMIT ${WINDOW}) ` +
    "WHERE purged = 0 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR name = ?3) " +
    "AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?4)) LIMIT ?5";
  const filter: SqlValue[] = [state ?? null, name ?? null, tag ?? null];
  const runs: RunRecord[] = [];
  let before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor);
  for (let seen = 0; seen < SCAN_LIMIT; seen += WINDOW) {
    const room = limit - runs.length;
    const rows = sql.all<RunRow>(select, before, ...filter, room);
    for (const row of rows) runs.push(recordOf(sql, row));
    if (rows.length === room) return { runs, next: String((rows.at(-1) as RunRow).seq) };
    const last = windowEnd(sql, before);
    if (last === undefined) return { runs };
    before = last;
  }
  return { runs, next: String(before) };
}

/** The last run of a full window, where there are older ones. */
function windowEnd(sql: Sql, before: number): number | undefined {
  const select = "SELECT seq FROM runs WHERE seq < ? ORDER BY seq DESC LIMIT 1 OFFSET ?";
  return sql.get<{ seq: number }>(select, before, WINDOW - 1)?.seq;
}

/** What readers of a run's parts need of the run. */
export interface RunHead {
  readonly seq: number;
  readonly id: string;
  readonly input: string | null;
  readonly isEnded: boolean;
}

/** The head of a run; none where its parts are gone. */
export function headOf(sql: Sql, id: string): RunHead | undefined {
  const select = "SELECT seq, state, input FROM runs WHERE id = ? AND purged = 0";
  const row = sql.get<{ seq: number; state: RunState; input: string | null }>(select, id);
  return row && { seq: row.seq, id, input: row.input, isEnded: isEnded(row.state) };
}
