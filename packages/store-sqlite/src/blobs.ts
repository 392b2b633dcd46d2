import type { Sql } from "./driver.js";
import type { Unit } from "./unit.js";

/** How long is waited for a run that was noted and is not there, and how often the runs that are there are looked at. */
const LOOK_MS = 24 * 60 * 60 * 1000;

/** Notes that blobs of runs may be written; what was to be deleted sooner is waited for anew. */
export function noteBlobs({ sql, now }: Unit, runs: readonly string[]): void {
  for (const run of runs) {
    sql.run(
      "INSERT INTO blobs (run, due) VALUES (?, ?) ON CONFLICT DO UPDATE SET due = max(due, excluded.due)",
      run,
      now + LOOK_MS,
    );
  }
}

/** The noted runs of which nothing is kept. Those that are there are looked at again a day later. */
export function dueBlobs({ sql, now }: Unit, limit: number): { runs: string[]; more: boolean } {
  const rows = sql.tuples(
    "SELECT run, (SELECT purged FROM runs WHERE id = blobs.run) FROM blobs WHERE due <= ? ORDER BY due, run LIMIT ?",
    now,
    limit,
  ) as [string, number | null][];
  const kept = rows.filter(([, purged]) => purged === 0);
  for (const [run] of kept) sql.run("UPDATE blobs SET due = ? WHERE run = ?", now + LOOK_MS, run);
  return { runs: rows.filter(([, purged]) => purged !== 0).map(([run]) => run), more: rows.length === limit };
}

/** Forgets runs whose blobs are deleted; one whose id is remembered is looked at once more when it no longer is. */
export function forgetBlobs({ sql, now }: Unit, runs: readonly string[]): void {
  for (const run of runs) {
    const row = sql.tuple("SELECT purged FROM runs WHERE id = ?", run);
    if (row) sql.run("UPDATE blobs SET due = ? WHERE run = ?", now + LOOK_MS, run);
    else sql.run("DELETE FROM blobs WHERE run = ?", run);
  }
}

/** The blobs of a run that is purged are to go now. */
export function blobsOfPurged(sql: Sql, run: number): void {
  sql.run("UPDATE blobs SET due = 0 WHERE run = (SELECT id FROM runs WHERE seq = ?)", run);
}
