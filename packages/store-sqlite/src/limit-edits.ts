import {
  type DeclaredLimit,
  isEditableName,
  type LimitEdit,
  type LimitEditResult,
  type LimitKind,
  type LimitRecord,
  type LimitSetting,
  limitTarget,
  type TaskLimits,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { fairRule, isFairRule } from "./limit-rules.js";
import type { Unit } from "./unit.js";

/** Keeps what a session's code says of its tasks' limits; a hundred workers that say the same write nothing. */
export function registerLimits(unit: Unit, { task, limits: declared, fairIn }: TaskLimits): void {
  const { sql } = unit;
  const fair = fairIn === "all" ? [fairRule()] : (fairIn ?? []).map((queue) => fairRule(queue));
  const limits = [...declared, ...fair.map((name) => ({ name, isKeyed: true, cost: 1 }))];
  const rows = sql.tuples("SELECT name, keyed, cost FROM rules WHERE target = ? AND made = 'code'", task);
  for (const limit of declared) keepDefault(unit, limit);
  const same =
    rows.length === limits.length &&
    limits.every(({ name, isKeyed, cost = 1 }) =>
      rows.some((row) => row[0] === name && row[1] === Number(isKeyed) && row[2] === cost),
    );
  if (same) return;
  sql.run("DELETE FROM rules WHERE target = ? AND made = 'code'", task);
  for (const { name, isKeyed, cost = 1 } of limits) {
    const insert =
      "INSERT OR REPLACE INTO rules (target, name, made, keyed, cost) VALUES (?, ?, 'code', ?, ?)";
    sql.run(insert, task, name, Number(isKeyed), isKeyed ? 1 : cost);
  }
  for (const [name] of rows as [string][])
    if (!isFairRule(name) && !limits.some((each) => each.name === name)) forget(unit, name);
}

function keepDefault(unit: Unit, { name, setting }: DeclaredLimit): void {
  const { sql } = unit;
  const text = JSON.stringify(setting);
  const kind = kindOf(setting);
  const known = sql.tuple("SELECT kind, code FROM limits WHERE name = ?", name);
  if (known?.[0] === kind && known[1] === text) return;
  // An edit of what was another kind of limit says nothing of this one.
  sql.run(
    "INSERT INTO limits (name, kind, code, changed) VALUES (?1, ?2, ?3, ?4) " +
      "ON CONFLICT DO UPDATE SET edit = CASE WHEN kind = ?2 THEN edit END, kind = ?2, code = ?3, changed = ?4",
    ...[name, kind, text, unit.now],
  );
  unit.limits.ringAll(name);
}

/** A limit that no code declares any more goes, unless it was edited and can do without. */
function forget(unit: Unit, name: string): void {
  const { sql } = unit;
  if (sql.tuple("SELECT 1 FROM rules WHERE name = ?", name)) return;
  const row = sql.tuple("SELECT edit FROM limits WHERE name = ?", name);
  if (row && row[0] !== null && isEditableName(name)) {
    sql.run("UPDATE limits SET code = NULL, changed = ? WHERE name = ?", unit.now, name);
    addRule(sql, name);
  } else sql.run("DELETE FROM limits WHERE name = ?", name);
  unit.limits.ringAll(name);
}

/** Has a limit that an edit made hold for the task, the queue or both that its name says. */
function addRule(sql: Sql, name: string): void {
  const { task, queue } = limitTarget(name) as { task?: string; queue?: string };
  const target = `${task ?? ""}${queue === undefined ? "" : `@${queue}`}`;
  const insert = "INSERT OR IGNORE INTO rules (target, name, made, keyed, cost) VALUES (?, ?, 'edit', 0, 1)";
  sql.run(insert, target, name);
}

/** At most so many leases are looked at for steps that run already under a limit which an edit makes. */
const ADOPT_LIMIT = 2_000;

/** Who runs already gets its slot of the limit, and frees it with its lease. */
function adopt(sql: Sql, name: string): void {
  const { task, queue } = limitTarget(name) as { task?: string; queue?: string };
  const select =
    "SELECT ?1, '', held.run, held.address, held.session FROM held JOIN steps USING (run, address) WHERE steps.session = held.session " +
    "AND control = 0 AND (?2 IS NULL OR spec ->> 6 = ?2) AND (?3 IS NULL OR spec ->> 7 = ?3) LIMIT ?4";
  sql.run(
    `INSERT OR IGNORE INTO slots (name, key, run, address, session) ${select}`,
    ...[name, task ?? null, queue ?? null, ADOPT_LIMIT],
  );
}

export function setLimit(unit: Unit, name: string, edit: LimitEdit): LimitEditResult {
  const { sql } = unit;
  const known = recordOf(sql, name);
  // Repeated, the taking away of an edit finds nothing.
  if (!known && edit === "default" && isEditableName(name)) return { status: "edited" };
  if (!known && (edit === "default" || edit === "off" || !isEditableName(name))) return { status: "unknown" };
  const kind = (sql.tuple("SELECT kind FROM limits WHERE name = ?", name)?.[0] ??
    limitTarget(name)?.kind) as LimitKind;
  if (typeof edit === "object" && kindOf(edit) !== kind) return { status: "misfit" };
  if (edit === "default" && known?.default === undefined) {
    sql.run("DELETE FROM rules WHERE name = ? AND made = 'edit'", name);
    sql.run("DELETE FROM limits WHERE name = ?", name);
  } else {
    const text = edit === "default" ? null : edit === "off" ? "off" : JSON.stringify(edit);
    const upsert =
      "INSERT INTO limits (name, kind, edit, changed) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT DO UPDATE SET edit = excluded.edit, changed = excluded.changed WHERE edit IS NOT excluded.edit";
    sql.run(upsert, name, kind, text, unit.now);
    if (!known) {
      addRule(sql, name);
      if (kind === "concurrency") adopt(sql, name);
    }
  }
  unit.limits.ringAll(name);
  return { status: "edited", limit: recordOf(sql, name) };
}

function kindOf(setting: LimitSetting): LimitKind {
  return "rate" in setting ? "rate" : "concurrency";
}

const select =
  "SELECT name, code, edit, (SELECT max(keyed) FROM rules WHERE rules.name = limits.name) FROM limits";

type Row = [name: string, code: string | null, edit: string | null, keyed: number | null];

function toRecord([name, code, edit, keyed]: Row): LimitRecord {
  return {
    name,
    default: code === null ? undefined : (JSON.parse(code) as LimitSetting),
    edit: edit === null ? undefined : edit === "off" ? "off" : (JSON.parse(edit) as LimitSetting),
    isKeyed: keyed === 1,
  };
}

function recordOf(sql: Sql, name: string): LimitRecord | undefined {
  const row = sql.tuple(`${select} WHERE name = ?`, name);
  return row && toRecord(row as Row);
}

export function listLimits(sql: Sql): LimitRecord[] {
  return sql.tuples(`${select} ORDER BY name`).map((row) => toRecord(row as Row));
}
