import {
  type Registration,
  type RegistrationHead,
  type RegistrationRecord,
  VERSIONS_KEPT,
  type VersionRecord,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { putPlan } from "./plans.js";
import type { Unit } from "./unit.js";

/** Keeps what a session registers; a hundred workers that register the same write nothing. */
export function register({ sql, now, turn }: Unit, registration: Registration): void {
  const { kind, name, plan, planText, ...rest } = registration;
  const about = JSON.stringify(rest);
  const select = "SELECT plan, about FROM registrations JOIN plans ON hash = plan WHERE name = ?";
  const newest = sql.tuple(select, name);
  if (newest?.[0] === plan && newest[1] === about) return;
  putPlan(sql, plan, planText);
  sql.run("UPDATE plans SET about = ? WHERE hash = ?", about, plan);
  if (newest?.[0] === plan) return;
  sql.run("INSERT OR REPLACE INTO registrations (name, kind, plan) VALUES (?, ?, ?)", name, kind, plan);
  const insert = "INSERT OR REPLACE INTO versions (name, plan, seq, at) VALUES (?, ?, ?, ?)";
  sql.run(insert, name, plan, turn.nextSeq(), now);
  const last = "SELECT seq FROM versions WHERE name = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";
  sql.run(`DELETE FROM versions WHERE name = ?1 AND seq <= (${last})`, name, VERSIONS_KEPT);
}

interface RegistrationRow extends RegistrationHead {
  readonly planText: string;
  readonly about: string | null;
}

const heads =
  "SELECT kind, name, plan, at AS registeredAtMs FROM registrations JOIN versions USING (name, plan) ORDER BY name";

const newest = "SELECT plan FROM registrations WHERE name = ?1";

export function findRegistration(sql: Sql, name: string, plan?: string): RegistrationRecord | undefined {
  const select =
    "SELECT kind, name, versions.plan, text AS planText, at AS registeredAtMs, about FROM versions " +
    "JOIN plans ON hash = versions.plan JOIN registrations USING (name) " +
    `WHERE name = ?1 AND versions.plan = coalesce(?2, (${newest}))`;
  const row = sql.get<RegistrationRow>(select, name, plan ?? null);
  if (!row) return undefined;
  const { about, ...rest } = row;
  return { ...rest, ...(JSON.parse(about ?? "{}") as Partial<Registration>) };
}

export function listRegistrations(sql: Sql): RegistrationHead[] {
  return sql.all<RegistrationHead>(heads).map((row) => ({ ...row }));
}

export function listVersions(sql: Sql, name: string): VersionRecord[] {
  const select =
    "SELECT plan, at AS registeredAtMs, coalesce(runs, 0) AS runs FROM versions LEFT JOIN plans ON hash = plan " +
    "WHERE name = ? ORDER BY seq DESC";
  return sql.all<VersionRecord>(select, name).map((row) => ({ ...row }));
}
