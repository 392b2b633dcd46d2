import {
  addDurations,
  type DurationSummary,
  packDurations,
  summarizeDurations,
  type TaskDurations,
  unpackDurations,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Unit } from "./unit.js";

/** Adds what attempts of a task took. */
export function tellDurations({ sql }: Unit, { task, counts }: TaskDurations): void {
  const upsert =
    "INSERT INTO durations (task, counts) VALUES (?, ?) ON CONFLICT DO UPDATE SET counts = excluded.counts";
  sql.run(upsert, task, packDurations(addDurations(unpackDurations(keptOf(sql, task) ?? ""), counts)));
}

/** How long attempts of some tasks took lately. */
export function readDurations(sql: Sql, tasks: readonly string[]): Record<string, DurationSummary> {
  const found = tasks.flatMap((task): [string, DurationSummary][] => {
    const summary = summarizeDurations(unpackDurations(keptOf(sql, task) ?? ""));
    return summary ? [[task, summary]] : [];
  });
  return Object.fromEntries(found);
}

function keptOf(sql: Sql, task: string): string | undefined {
  return sql.get<{ counts: string }>("SELECT counts FROM durations WHERE task = ?", task)?.counts;
}
