import type { Registration } from "@jobbers/core";
import type { Sql } from "./driver.js";

/** Keeps a plan's text under its hash. */
export function putPlan(sql: Sql, hash: string, text: string): void {
  sql.run("INSERT INTO plans (hash, runs, text) VALUES (?, 0, ?) ON CONFLICT DO NOTHING", hash, text);
}

export function getPlan(sql: Sql, hash: string): string | undefined {
  return sql.get<{ text: string }>("SELECT text FROM plans WHERE hash = ?", hash)?.text;
}

export function findRegistration(sql: Sql, name: string): Registration | undefined {
  const select =
    "SELECT kind, name, plan, text AS planText FROM registrations JOIN plans ON plans.hash = registrations.plan WHERE name = ?";
  const row = sql.get<Registration>(select, name);
  return row && { ...row };
}

export function listRegistrations(sql: Sql): Omit<Registration, "planText">[] {
  const rows = sql.all<Omit<Registration, "planText">>(
    "SELECT kind, name, plan FROM registrations ORDER BY name",
  );
  return rows.map((row) => ({ ...row }));
}
