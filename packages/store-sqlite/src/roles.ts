import {
  ROLE_VERSIONS_KEPT,
  type RoleHistory,
  type RoleQueues,
  type RoleRecord,
  type RoleVersion,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Unit } from "./unit.js";

export function setRole(unit: Unit, name: string, queues: RoleQueues, by: string): RoleRecord {
  const versions = versionsOf(unit.sql, name);
  const [newest] = versions;
  const isSame = newest?.queues && JSON.stringify(newest.queues) === JSON.stringify(queues);
  return roleOf(name, isSame ? versions : add(unit, name, versions, queues, by)) as RoleRecord;
}

export function deleteRole(unit: Unit, name: string, by: string): boolean {
  const versions = versionsOf(unit.sql, name);
  if (!versions[0]?.queues) return false;
  add(unit, name, versions, undefined, by);
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
  { sql, now }: Unit,
  name: string,
  old: readonly RoleVersion[],
  queues: RoleQueues | undefined,
  by: string,
): readonly RoleVersion[] {
  const version = (old[0]?.version ?? 0) + 1;
  const versions = [{ version, queues, by, atMs: now }, ...old].slice(0, ROLE_VERSIONS_KEPT);
  sql.run("INSERT OR REPLACE INTO roles (name, versions) VALUES (?, ?)", name, JSON.stringify(versions));
  return versions;
}

function roleOf(name: string, [newest]: readonly RoleVersion[]): RoleRecord | undefined {
  if (!newest?.queues) return undefined;
  const { queues, version, by, atMs } = newest;
  return { name, queues, version, editedBy: by, editedAtMs: atMs };
}
