import { isEnded, type RunRecord, type RunState, valueKey } from "@jobbers/core";
import { keyOf } from "./claims.js";
import type { Sql } from "./driver.js";

export interface RunRow {
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
  readonly claim: string | null;
}

export const columns =
  "seq, id, kind, name, plan, state, cancelling, priority, tags, created, started, ended, failed, traceparent, purged, claim";

export function getRun(sql: Sql, id: string): RunRecord | undefined {
  const row = sql.get<RunRow>(`SELECT ${columns} FROM runs WHERE id = ?`, id);
  return row && recordOf(sql, row);
}

export function recordOf(sql: Sql, row: RunRow): RunRecord {
  const key = valueKey.failure("");
  const failure =
    (row.failed > 0 || row.state === "failed") && !row.purged
      ? sql.get<{ text: string }>("SELECT text FROM vals WHERE run = ? AND key = ?", row.seq, key)
      : undefined;
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    plan: row.plan,
    state: row.state,
    cancelling: row.cancelling > 0,
    priority: row.priority,
    tags: JSON.parse(row.tags) as string[],
    createdAtMs: row.created,
    startedAtMs: row.started ?? undefined,
    endedAtMs: isEnded(row.state) ? (row.ended ?? undefined) : undefined,
    failure: failure?.text,
    traceparent: row.traceparent ?? undefined,
    ...keyOf(row.claim),
    purged: row.purged === 1,
  };
}

/** What readers of a run's parts need of the run. */
export interface RunHead {
  readonly seq: number;
  readonly id: string;
  readonly input: string | null;
  readonly isEnded: boolean;
  readonly priority: number;
}

/** The head of a run; none where its parts are gone. */
export function headOf(sql: Sql, id: string): RunHead | undefined {
  const select = "SELECT seq, state, input, priority FROM runs WHERE id = ? AND purged = 0";
  const row = sql.get<{ seq: number; state: RunState; input: string | null; priority: number }>(select, id);
  return row && { seq: row.seq, id, input: row.input, isEnded: isEnded(row.state), priority: row.priority };
}
