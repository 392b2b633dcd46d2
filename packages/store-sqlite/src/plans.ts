import type { Sql } from "./driver.js";

/** Keeps a plan's text under its hash. */
export function putPlan(sql: Sql, hash: string, text: string): void {
  sql.run("INSERT INTO plans (hash, runs, text) VALUES (?, 0, ?) ON CONFLICT DO NOTHING", hash, text);
}

export function getPlan(sql: Sql, hash: string): string | undefined {
  return sql.get<{ text: string }>("SELECT text FROM plans WHERE hash = ?", hash)?.text;
}
