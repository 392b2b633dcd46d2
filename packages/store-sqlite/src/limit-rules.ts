import { FAIR, type LimitKind, type LimitSetting, type LimitUse, limitsAmong, tenantOf } from "@jobbers/core";
import type { Sql } from "./driver.js";

/**
 * Which limits a step stands under: those that its code has said for its input (kept with the step), and those that hold for its task,
 * its queue, or its task in that queue whatever the input. Both together, as text, are part of what makes a line a line.
 */

/** What holds for a task in a queue. */
export interface Rules {
  /** True where some limit of the task, or whose turn its steps take, depends on the input. */
  readonly isKeyed: boolean;
  readonly uses: readonly LimitUse[];
}

type Use = readonly [limit: string, key: string, cost: number];

const NONE: Rules = { isKeyed: false, uses: [] };

const anything = [
  "rules",
  // What limits that are gone have left behind has to go its way.
  "lines WHERE limits <> '' AND tenant = '' AND parked IS NULL",
  "tenants",
  "lines WHERE parked IS NOT NULL",
  "slots",
];

/** True for a store that has any limit: the others have nothing to look up. */
export function hasLimits(sql: Sql): boolean {
  const select = anything.map((from) => `SELECT 1 FROM ${from}`).join(" UNION ALL ");
  return sql.tuple(`${select} LIMIT 1`) !== undefined;
}

export function readRules(sql: Sql, task: string, queue: string): Rules {
  const select = "SELECT name, keyed, cost FROM rules WHERE target IN (?, ?, ?) ORDER BY target, name";
  const rows = sql.tuples(select, task, `${task}@${queue}`, `@${queue}`) as [string, number, number][];
  if (rows.length === 0) return NONE;
  const own = rows.filter(([name]) => !isFairRule(name) || name === FAIR || name === fairRule(queue));
  const uses = own.filter(([, keyed]) => keyed === 0).map(([limit, , cost]) => ({ limit, key: "", cost }));
  return { isKeyed: own.some(([, keyed]) => keyed === 1), uses };
}

/** The rule that a task's code says whose turn its steps take: in any queue, or in one. No limit has such a name. */
export function fairRule(queue?: string): string {
  return queue === undefined ? FAIR : `${FAIR}@${queue}`;
}

export function isFairRule(name: string): boolean {
  return name === FAIR || name.startsWith(`${FAIR}@`);
}

/**
 * The limits of a step, as text; "" where it has none, `undefined` where its code has yet to say those that depend on its input.
 *
 * @param own what its code has said, as {@link packUses} wrote it
 */
export function limitsTextOf({ isKeyed, uses }: Rules, own: string | null): string | undefined {
  if (own === null && isKeyed) return undefined;
  if (uses.length === 0) return own === null || own === "[]" ? "" : own;
  if (own === null || own === "[]") return packUses(uses);
  return packUses([...readAll(own), ...uses]);
}

export function packUses(uses: readonly LimitUse[]): string {
  return JSON.stringify(uses.map(({ limit, key, cost }): Use => [limit, key, cost]));
}

function readAll(text: string): LimitUse[] {
  if (text === "") return [];
  return (JSON.parse(text) as Use[]).map(([limit, key, cost]) => ({ limit, key, cost }));
}

/** The limits among them: whose turn it is refuses nobody. */
export function readUses(text: string): LimitUse[] {
  return limitsAmong(readAll(text));
}

/** Whose turn they say; "" where nobody's. */
export function tenantIn(text: string): string {
  return text.includes(`"${FAIR}"`) ? tenantOf(readAll(text)) : "";
}

/** A limit as it is in force: the edit goes before the code. */
export interface Definition {
  readonly kind: LimitKind;
  /** Absent while it is off. */
  readonly setting: LimitSetting | undefined;
  /** Since when it is so. */
  readonly sinceMs: number;
}

export function readDefinition(sql: Sql, name: string): Definition | undefined {
  const row = sql.tuple("SELECT kind, coalesce(edit, code), changed FROM limits WHERE name = ?", name) as
    | [LimitKind, string | null, number | null]
    | undefined;
  if (!row) return undefined;
  const [kind, text, changedMs] = row;
  const setting = text === null || text === "off" ? undefined : (JSON.parse(text) as LimitSetting);
  return { kind, setting, sinceMs: changedMs ?? 0 };
}
