import type { QueueDefaults, QueueEdit, QueueSettings } from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Unit } from "./unit.js";

/** What the table has of a queue; `max` is null where the code's holds, and 0 where an edit says that there is none. */
interface Row {
  readonly paused: number;
  readonly draining: number;
  readonly max: number | null;
  readonly code: number | null;
  readonly version: number;
  readonly editor: string | null;
  readonly edited: number | null;
}

const UNSET: Row = { paused: 0, draining: 0, max: null, code: null, version: 0, editor: null, edited: null };

const columns = "paused, draining, max, code, version, editor, edited";

/** The names of paused queues, which may be few or none. */
export function pausedQueues(sql: Sql): ReadonlySet<string> {
  const rows = sql.tuples("SELECT name FROM queue_settings WHERE paused = 1") as [string][];
  return new Set(rows.map(([name]) => name));
}

export function readSettings(sql: Sql, name: string): QueueSettings | undefined {
  const row = rowOf(sql, name);
  return row && settingsOf(row);
}

/** The settings of all queues that have some, by name. */
export function allSettings(sql: Sql): Map<string, QueueSettings> {
  const rows = sql.all<Row & { readonly name: string }>(`SELECT name, ${columns} FROM queue_settings`);
  return new Map(rows.map(({ name, ...row }) => [name, settingsOf(row)]));
}

export function declareQueues({ sql }: Unit, defaults: readonly QueueDefaults[]): void {
  for (const { name, max } of defaults) {
    const row = rowOf(sql, name);
    if (row ? row.code === (max ?? null) : max === undefined) continue;
    write(sql, name, { ...(row ?? UNSET), code: max ?? null });
  }
}

export function setQueue(unit: Unit, name: string, edit: QueueEdit, by: string): QueueSettings {
  const { sql, now, turn } = unit;
  const row = rowOf(sql, name) ?? UNSET;
  const edited: Row = {
    ...row,
    paused: edit.paused === undefined ? row.paused : Number(edit.paused),
    draining: edit.draining === undefined ? row.draining : Number(edit.draining),
    max: edit.max === undefined ? row.max : maxOf(edit.max),
  };
  const isNews = edited.paused !== row.paused || edited.draining !== row.draining || edited.max !== row.max;
  if (!isNews) return settingsOf(row);
  const written = { ...edited, version: row.version + 1, editor: by, edited: now };
  write(sql, name, written);
  if (row.paused === 1 && written.paused === 0) turn.effects.opened = true;
  return settingsOf(written);
}

function rowOf(sql: Sql, name: string): Row | undefined {
  return sql.get<Row>(`SELECT ${columns} FROM queue_settings WHERE name = ?`, name);
}

function write(sql: Sql, name: string, row: Row): void {
  const { paused, draining, max, code, version, editor, edited } = row;
  sql.run(
    `INSERT OR REPLACE INTO queue_settings (name, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[name, paused, draining, max, code, version, editor, edited],
  );
}

function maxOf(max: NonNullable<QueueEdit["max"]>): number | null {
  if (max === "default") return null;
  return max === "none" ? 0 : max;
}

function settingsOf({ paused, draining, max, code, version, editor, edited }: Row): QueueSettings {
  const inForce = max ?? code ?? 0;
  const from = max !== null ? "edit" : code !== null ? "code" : undefined;
  return {
    paused: paused === 1,
    draining: draining === 1,
    ...(inForce > 0 && { max: inForce }),
    ...(from !== undefined && { maxFrom: from }),
    ...(code !== null && { defaultMax: code }),
    version,
    ...(editor !== null && { editedBy: editor }),
    ...(edited !== null && { editedAtMs: edited }),
  };
}
