import {
  canonicalJson,
  type EditedPolicy,
  type JsonValue,
  type QueueDefaults,
  type QueueEdit,
  type QueueLimits,
  type QueuePolicy,
  type QueueSettings,
  queueSettings,
  withEdit,
} from "@jobbers/core";
import type { Sql, SqlValue } from "./driver.js";
import { registerLimits } from "./limit-edits.js";
import type { Unit } from "./unit.js";

/** What the table has of a queue: `code` and `edit` are what each says of its policy. */
export interface SettingsRow {
  readonly paused: number;
  readonly draining: number;
  readonly code: string;
  readonly edit: string;
  readonly version: number;
  readonly editor: string | null;
  readonly edited: number | null;
}

const UNSET: SettingsRow = {
  paused: 0,
  draining: 0,
  code: "{}",
  edit: "{}",
  version: 0,
  editor: null,
  edited: null,
};

const columns = "paused, draining, code, edit, version, editor, edited";

/** How queues are set, as far as it matters to who takes from them. */
export interface Steered {
  readonly paused: ReadonlySet<string>;
  readonly weighted: ReadonlySet<string>;
}

/** Of which queues nothing is taken, and which are weighted; these may be few or none. */
export function steeredQueues(sql: Sql): Steered {
  const rows = sql.tuples(
    "SELECT name, paused, weighted FROM queue_settings WHERE paused = 1 OR weighted = 1",
  ) as [string, number, number][];
  return {
    paused: new Set(rows.filter(([, paused]) => paused === 1).map(([name]) => name)),
    weighted: new Set(rows.filter(([, , weighted]) => weighted === 1).map(([name]) => name)),
  };
}

export function readSettings(sql: Sql, name: string): QueueSettings | undefined {
  const row = rowOf(sql, name);
  return row && settingsOf(row);
}

/** The settings of all queues that have some, by name. */
export function allSettings(sql: Sql): Map<string, QueueSettings> {
  const rows = sql.all<SettingsRow & { readonly name: string }>(
    `SELECT name, ${columns} FROM queue_settings`,
  );
  return new Map(rows.map(({ name, ...row }) => [name, settingsOf(row)]));
}

export function declareQueues(unit: Unit, defaults: readonly QueueDefaults[]): void {
  const { sql } = unit;
  for (const { name, limits = [], ...policy } of defaults) {
    const row = rowOf(sql, name) ?? UNSET;
    const code = textOf(policy);
    if (row.code !== code) writeSettings(sql, name, { ...row, code });
    declareLimits(unit, name, limits);
  }
}

/** A queue has the limits that are declared, and so have the tasks in it, and no others any more. */
function declareLimits(unit: Unit, queue: string, declared: readonly QueueLimits[]): void {
  const all = new Map(declared.map(({ task = "", limits }) => [`${task}@${queue}`, limits]));
  const before = unit.sql.tuples("SELECT DISTINCT target FROM rules WHERE made = 'code'") as [string][];
  for (const [target] of before) if (target.endsWith(`@${queue}`) && !all.has(target)) all.set(target, []);
  for (const [target, limits] of all) registerLimits(unit, { task: target, limits });
}

export function setQueue(unit: Unit, name: string, edit: QueueEdit, by: string): QueueSettings {
  const { sql, now, turn } = unit;
  const row = rowOf(sql, name) ?? UNSET;
  const { paused, draining, ...policy } = edit;
  const edited: SettingsRow = {
    ...row,
    paused: paused === undefined ? row.paused : Number(paused),
    draining: draining === undefined ? row.draining : Number(draining),
    edit: textOf(withEdit(JSON.parse(row.edit) as EditedPolicy, policy)),
  };
  const isNews = edited.paused !== row.paused || edited.draining !== row.draining || edited.edit !== row.edit;
  if (!isNews) return settingsOf(row);
  const written = { ...edited, version: row.version + 1, editor: by, edited: now };
  writeSettings(sql, name, written);
  if (row.paused === 1 && written.paused === 0) turn.effects.opened = true;
  return settingsOf(written);
}

function textOf(policy: QueuePolicy | EditedPolicy): string {
  return canonicalJson(policy as JsonValue);
}

function rowOf(sql: Sql, name: string): SettingsRow | undefined {
  return sql.get<SettingsRow>(`SELECT ${columns} FROM queue_settings WHERE name = ?`, name);
}

/** All rows as they are kept, readable or not. */
export function settingsRows(
  sql: Sql,
): (Record<keyof SettingsRow | "weighted", SqlValue> & { readonly name: string })[] {
  return sql.all(`SELECT name, ${columns}, weighted FROM queue_settings ORDER BY name`);
}

export function forgetSettings(sql: Sql, name: string): void {
  sql.run("DELETE FROM queue_settings WHERE name = ?", name);
}

export function writeSettings(sql: Sql, name: string, row: SettingsRow): void {
  const { paused, draining, code, edit, version, editor, edited } = row;
  const isWeighted = settingsOf(row).priority === "weighted";
  sql.run(
    `INSERT OR REPLACE INTO queue_settings (name, ${columns}, weighted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[name, paused, draining, code, edit, version, editor, edited, Number(isWeighted)],
  );
  if (!isWeighted) sql.run("DELETE FROM levels WHERE queue = ?", name);
}

function settingsOf({ paused, draining, code, edit, version, editor, edited }: SettingsRow): QueueSettings {
  return queueSettings({
    paused: paused === 1,
    draining: draining === 1,
    default: JSON.parse(code) as QueuePolicy,
    edit: JSON.parse(edit) as EditedPolicy,
    version,
    ...(editor !== null && { editedBy: editor }),
    ...(edited !== null && { editedAtMs: edited }),
  });
}
