import {
  type QueueSettings,
  TENANTS_LOOK_LIMIT,
  TENANTS_SHOWN,
  type TenantRecord,
  type TurnPlace,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { readSettings } from "./steering.js";

/**
 * The tenants of a queue and priority take turns (core's tenant-turns.ts has the law). Those with open lines stand in the table `tenants`,
 * once for each task of which they have any, with the tag that says whose turn it is; `tags` keeps it of those who have nothing open, as
 * long as it is later than the virtual time. That stands in `rings`, for each task: sessions that serve other tasks have other tenants
 * before them.
 */

/** Whose turn the steps of a line take. */
interface TenantLine {
  readonly queue: string;
  readonly priority: number;
  readonly needs: string;
  readonly tenant: string;
}

/** The most tags that one round forgets. */
const FORGET_LIMIT = 100;

/** The most lines of a tenant that are counted for a list. */
const LINES_SHOWN = 50;

/** Has a tenant take turns that has an open line; it begins where the others are. */
export function openTenant(sql: Sql, { queue, priority, needs, tenant }: TenantLine): void {
  if (tenant === "") return;
  const own = "queue = ?1 AND priority = ?2 AND needs = ?3";
  if (!sql.tuple(`SELECT 1 FROM tenants WHERE ${own} LIMIT 1`, queue, priority, needs)) {
    // While nobody was there the others went on.
    const last = "(SELECT coalesce(max(time), 0) FROM rings WHERE queue = ?1 AND priority = ?2)";
    sql.run(
      `INSERT INTO rings VALUES (?1, ?2, ?3, ${last}, 0) ON CONFLICT DO UPDATE SET time = excluded.time`,
      ...[queue, priority, needs],
    );
  }
  const tag =
    "max((SELECT time FROM rings WHERE queue = ?1 AND priority = ?2 AND needs = ?3), " +
    "coalesce((SELECT tag FROM tags WHERE queue = ?1 AND priority = ?2 AND tenant = ?4), 0))";
  sql.run(`INSERT OR IGNORE INTO tenants VALUES (?1, ?2, ?3, ?4, ${tag})`, queue, priority, needs, tenant);
}

/** Has a tenant take no more turns, unless it has other open lines. */
export function closeTenant(sql: Sql, { queue, priority, needs, tenant }: TenantLine): void {
  if (tenant === "") return;
  const own = "queue = ?1 AND priority = ?2 AND needs = ?3 AND tenant = ?4";
  const open = `SELECT 1 FROM lines WHERE ${own} AND tenant <> '' AND parked IS NULL`;
  sql.run(`DELETE FROM tenants WHERE ${own} AND NOT EXISTS (${open})`, queue, priority, needs, tenant);
}

/** The tasks of which tenants have open lines in a queue, with the virtual time there. */
export interface Ring {
  readonly needs: string;
  readonly time: number;
  /** When its queue was served last. */
  readonly turn: number;
}

export function openRings(sql: Sql, queue: string, priority: number): Ring[] {
  const open =
    "SELECT 1 FROM tenants WHERE queue = rings.queue AND priority = rings.priority AND needs = rings.needs";
  const select = `SELECT needs, time, turn FROM rings WHERE queue = ? AND priority = ? AND EXISTS (${open})`;
  return sql.all<Ring>(select, queue, priority);
}

/** A tenant with open lines. */
export interface OpenTenant {
  readonly tenant: string;
  readonly tag: number;
}

/** Those of one task whose turn it is, at most so many. */
export function nextTenants(
  sql: Sql,
  { queue, priority, needs }: Omit<TenantLine, "tenant">,
  most: number,
): OpenTenant[] {
  const select =
    "SELECT tenant, tag FROM tenants WHERE queue = ? AND priority = ? AND needs = ? ORDER BY tag LIMIT ?";
  return sql.all<OpenTenant>(select, queue, priority, needs, most);
}

/** How many tenants have open lines of a task, counted no further than a limit. */
export function countTenants(
  sql: Sql,
  { queue, priority, needs }: Omit<TenantLine, "tenant">,
  most: number,
): number {
  const select = "SELECT 1 FROM tenants WHERE queue = ? AND priority = ? AND needs = ? LIMIT ?";
  return (sql.tuple(`SELECT count(*) FROM (${select})`, queue, priority, needs, most) as [number])[0];
}

/** The tag of who may have nothing open; 0 where it says nothing any more. */
export function tagOf(sql: Sql, queue: string, priority: number, tenant: string): number {
  const select = "SELECT tag FROM tags WHERE queue = ? AND priority = ? AND tenant = ?";
  return (sql.tuple(select, queue, priority, tenant)?.[0] as number | undefined) ?? 0;
}

export function setTag(sql: Sql, queue: string, priority: number, { tenant, tag }: OpenTenant): void {
  sql.run("INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?)", queue, priority, tenant, tag);
  const update = "UPDATE tenants SET tag = ? WHERE queue = ? AND priority = ? AND tenant = ?";
  sql.run(update, tag, queue, priority, tenant);
}

/** Puts the virtual time of some rings on, and forgets some of the tags that say nothing from then on. */
export function setTime(
  sql: Sql,
  queue: string,
  priority: number,
  { rings, time, turn }: { readonly rings: readonly Ring[]; readonly time: number; readonly turn: number },
): void {
  const update = "UPDATE rings SET time = ?, turn = ? WHERE queue = ? AND priority = ? AND needs = ?";
  for (const { needs } of rings) sql.run(update, time, turn, queue, priority, needs);
  const old =
    "SELECT tenant FROM tags WHERE queue = ?1 AND priority = ?2 AND tag <= ?3 ORDER BY tag LIMIT ?4";
  sql.run(
    `DELETE FROM tags WHERE queue = ?1 AND priority = ?2 AND tenant IN (${old})`,
    ...[queue, priority, time, FORGET_LIMIT],
  );
}

/** The weights of a queue's keys that are not 1. */
export function weightsOf(sql: Sql, queue: string): NonNullable<QueueSettings["weights"]> {
  return readSettings(sql, queue)?.weights ?? {};
}

/** The tenants of a queue whose turn it is. */
export function listTenants(sql: Sql, queue: string): TenantRecord[] {
  const weights = weightsOf(sql, queue);
  const rings = sql.tuples(
    "SELECT priority, needs FROM rings WHERE queue = ? ORDER BY priority DESC, needs",
    queue,
  ) as [number, string][];
  const priorities = [...new Set(rings.map(([priority]) => priority))];
  return priorities.flatMap((priority) => {
    const found = new Map<string, number>();
    for (const [, needs] of rings.filter(([of]) => of === priority))
      for (const { tenant, tag } of nextTenants(sql, { queue, priority, needs }, TENANTS_SHOWN))
        found.set(tenant, Math.min(tag, found.get(tenant) ?? tag));
    return [...found]
      .sort(([a, before], [b, after]) => before - after || (a < b ? -1 : 1))
      .slice(0, TENANTS_SHOWN)
      .map(([key]) => {
        const depths = rings
          .filter(([of]) => of === priority)
          .map(([, needs]) => depthsOf(sql, { queue, priority, needs, tenant: key }));
        const waiting = depths.flat().reduce((sum, depth) => sum + depth, 0);
        const atLeast = depths.some(({ length }) => length === LINES_SHOWN);
        return { key, priority, weight: weightIn(weights, key), waiting, atLeast };
      });
  });
}

/** How many steps stand in each of a tenant's open lines. */
function depthsOf(sql: Sql, { queue, priority, needs, tenant }: TenantLine): number[] {
  const select =
    "SELECT depth FROM lines WHERE queue = ? AND priority = ? AND needs = ? AND tenant = ? AND tenant <> '' AND parked IS NULL LIMIT ?";
  return sql.tuples(select, queue, priority, needs, tenant, LINES_SHOWN).map(([depth]) => depth as number);
}

/** The weight of a key. */
export function weightIn(weights: Readonly<Record<string, number>>, key: string): number {
  return Object.hasOwn(weights, key) ? (weights[key] as number) : 1;
}

/** How a tenant stands among the others of a task. */
export function turnOf(sql: Sql, { queue, priority, needs, tenant }: TenantLine): TurnPlace {
  const own = "queue = ?1 AND priority = ?2 AND needs = ?3";
  const tag = sql.tuple(
    `SELECT tag FROM tenants WHERE ${own} AND tenant = ?4`,
    queue,
    priority,
    needs,
    tenant,
  );
  const count = `SELECT count(*) FROM (SELECT 1 FROM tenants WHERE ${own} AND tag < ?4 LIMIT ?5)`;
  const [before] = tag
    ? (sql.tuple(count, queue, priority, needs, tag[0] as number, TENANTS_LOOK_LIMIT) as [number])
    : [0];
  return {
    key: tenant,
    weight: weightIn(weightsOf(sql, queue), tenant),
    before,
    tenants: countTenants(sql, { queue, priority, needs }, TENANTS_LOOK_LIMIT),
    isOpen: tag !== undefined,
  };
}
