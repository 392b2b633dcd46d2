import {
  ROLE_HOLDERS_SHOWN,
  ROLE_VERSIONS_KEPT,
  type RoleEdit,
  type RoleHistory,
  type RoleHolder,
  type RoleRecord,
  type RoleUsage,
  type RoleVersion,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Unit } from "./unit.js";

/** What an edit says. */
type Said = Pick<RoleVersion, "queues" | "concurrency">;

/** Makes or edits a role; nothing where it is not there, and the edit says no queues. */
export function setRole(unit: Unit, name: string, edit: RoleEdit, by: string): RoleRecord | undefined {
  const versions = versionsOf(unit.sql, name);
  const now: Said = versions[0] ?? {};
  const queues = edit.queues ?? now.queues;
  if (!queues) return undefined;
  const wanted = edit.concurrency ?? now.concurrency ?? "none";
  const concurrency = wanted === "none" ? undefined : wanted;
  const isSame = JSON.stringify(now.queues) === JSON.stringify(queues) && now.concurrency === concurrency;
  return roleOf(name, isSame ? versions : add(unit, name, versions, { queues, concurrency }, by));
}

export function deleteRole(unit: Unit, name: string, by: string): boolean {
  const versions = versionsOf(unit.sql, name);
  if (!versions[0]?.queues) return false;
  add(unit, name, versions, {}, by);
  return true;
}

export function getRole(sql: Sql, name: string): RoleHistory | undefined {
  const versions = versionsOf(sql, name);
  if (versions.length === 0) return undefined;
  const role = roleOf(name, versions);
  return { ...(role && { role }), versions };
}

export function listRoles(sql: Sql): RoleRecord[] {
  const rows = sql.all<{ name: string; versions: string }>("SELECT name, versions FROM roles ORDER BY name");
  return rows.flatMap(({ name, versions }) => roleOf(name, JSON.parse(versions) as RoleVersion[]) ?? []);
}

function versionsOf(sql: Sql, name: string): readonly RoleVersion[] {
  const row = sql.tuple("SELECT versions FROM roles WHERE name = ?", name);
  return row ? (JSON.parse(row[0] as string) as RoleVersion[]) : [];
}

function add(
  { sql, now, turn }: Unit,
  name: string,
  old: readonly RoleVersion[],
  { queues, concurrency }: Said,
  by: string,
): readonly RoleVersion[] {
  const version = (old[0]?.version ?? 0) + 1;
  const versions = [{ version, queues, concurrency, by, atMs: now }, ...old].slice(0, ROLE_VERSIONS_KEPT);
  writeRole(sql, name, versions);
  // There may be more room than before.
  if (concurrency !== old[0]?.concurrency) turn.effects.opened = true;
  return versions;
}

/** Keeps the edits of a role, the newest first. */
export function writeRole(sql: Sql, name: string, versions: readonly RoleVersion[]): void {
  sql.run(
    "INSERT OR REPLACE INTO roles (name, versions, concurrency) VALUES (?, ?, ?)",
    ...[name, JSON.stringify(versions), versions[0]?.concurrency ?? null],
  );
}

export function readRoleUsage(sql: Sql, name: string): RoleUsage {
  const cap = sql.tuple("SELECT concurrency FROM roles WHERE name = ?", name)?.[0] as
    | number
    | null
    | undefined;
  const holders = sql
    .all<RoleHolder>(
      "SELECT sessions.id AS session, worker, count(*) AS running FROM sessions JOIN held ON held.session = sessions.seq " +
        "WHERE role = ? AND state <> 'over' AND control = 0 GROUP BY sessions.seq ORDER BY count(*) DESC, sessions.seq",
      name,
    )
    .map((row) => ({ ...row }));
  return {
    ...(typeof cap === "number" && { concurrency: cap }),
    running: holders.reduce((sum, { running }) => sum + running, 0),
    holders: holders.slice(0, ROLE_HOLDERS_SHOWN),
  };
}

function roleOf(name: string, [newest]: readonly RoleVersion[]): RoleRecord | undefined {
  if (!newest?.queues) return undefined;
  const { queues, concurrency, version, by, atMs } = newest;
  return { name, queues, ...(concurrency && { concurrency }), version, editedBy: by, editedAtMs: atMs };
}
