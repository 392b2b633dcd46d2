import type { Retention } from "@jobbers/core";
import { blobsOfPurged } from "./blobs.js";
import { buryClaim, forgetClaim, purgeClaims } from "./claims.js";
import { deleteLettersOf, hasLetters, LETTERED, trimLetters } from "./dead-letters.js";
import { shelve } from "./run-end.js";
import type { Unit } from "./unit.js";

/** How long an id is remembered after its run was deleted. */
const REMEMBER_MS = 24 * 60 * 60 * 1000;

/** How long ended sessions stay on record. */
const SESSION_MS = 60 * 60 * 1000;

const outcomes = ["succeeded", "failed", "cancelled"] as const;

/** Deletes what is beyond its retention, oldest first, and at most `limit` rows, so that a huge run goes in several calls. */
export function purge(unit: Unit, retention: Retention, limit: number): { purged: number; more: boolean } {
  const budget = { rows: limit };
  // Letters first: a run that they kept goes with them.
  if (retention.deadLetters) budget.rows -= trimLetters(unit, retention.deadLetters, limit);
  unit.flush();
  let purged = 0;
  while (budget.rows > 0) {
    const run = nextToPurge(unit, retention, budget);
    if (run === undefined) break;
    if (!deleteParts(unit, run, budget)) return { purged, more: true };
    bury(unit, run);
    purged++;
    budget.rows--;
  }
  forget(unit, budget);
  sweepUp(unit, budget);
  return { purged, more: budget.rows <= 0 };
}

/** The run that goes next; from now on readers see it as purged. */
function nextToPurge(unit: Unit, retention: Retention, budget: { rows: number }): number | undefined {
  const { sql, now } = unit;
  const begun = oldest(unit, "purging", Number.POSITIVE_INFINITY);
  if (begun !== undefined) return begun;
  for (; budget.rows > 0; budget.rows--) {
    const shelf = dueShelf(unit, retention);
    if (!shelf) return undefined;
    const [at, run] = takeOldest(unit, shelf);
    if (shelf !== "kept" && retention.deadLetters && hasLetters(unit, run)) {
      shelve(unit, LETTERED, at, run);
      continue;
    }
    sql.run("UPDATE runs SET purged = 1 WHERE seq = ?", run);
    shelve(unit, "purging", now, run);
    return run;
  }
  return undefined;
}

function takeOldest({ sql }: Unit, shelf: string): [at: number, run: number] {
  const [at, run] = sql.tuple(
    "SELECT at, run FROM shelves WHERE shelf = ? ORDER BY at, run LIMIT 1",
    shelf,
  ) as [number, number];
  sql.run("DELETE FROM shelves WHERE shelf = ? AND at = ? AND run = ?", shelf, at, run);
  if (shelf !== "kept") sql.run("UPDATE tallies SET n = n - 1 WHERE shelf = ?", shelf);
  return [at, run];
}

/** A shelf whose oldest run is too old, or one too many. */
function dueShelf(unit: Unit, retention: Retention): string | undefined {
  const { sql, now } = unit;
  if (oldest(unit, "kept", now) !== undefined) return "kept";
  return outcomes.find((outcome) => {
    const { ageMs, count } = retention[outcome];
    if (oldest(unit, outcome, now - ageMs) !== undefined) return true;
    const row = sql.tuple("SELECT n FROM tallies WHERE shelf = ?", outcome);
    return (
      row !== undefined &&
      (row[0] as number) > count &&
      oldest(unit, outcome, Number.POSITIVE_INFINITY) !== undefined
    );
  });
}

function oldest({ sql }: Unit, shelf: string, until: number): number | undefined {
  const row = sql.tuple(
    "SELECT run FROM shelves WHERE shelf = ? AND at <= ? ORDER BY at, run LIMIT 1",
    shelf,
    until,
  );
  return row && (row[0] as number);
}

const parts = [
  ["steps", "address"],
  ["bodies", "address"],
  ["vals", "key"],
  ["attempts", "address, fence, reason"],
  ["counts", "name, state"],
  ["logs", "seq"],
  ["logged", "address"],
] as const;

/** Deletes what hangs on a run; false when the budget ended first. */
function deleteParts(unit: Unit, run: number, budget: { rows: number }): boolean {
  const { sql } = unit;
  budget.rows -= deleteLettersOf(unit, run, budget.rows);
  for (const [table, key] of parts) {
    if (budget.rows <= 0) return false;
    const first = `SELECT ${key} FROM ${table} WHERE run = ? LIMIT ?`;
    const gone = sql.run(
      `DELETE FROM ${table} WHERE run = ? AND (${key}) IN (${first})`,
      run,
      run,
      budget.rows,
    );
    budget.rows -= gone;
  }
  return budget.rows > 0;
}

/** Of a run that is gone, its id stays known for a while. */
function bury(unit: Unit, run: number): void {
  const { sql, now } = unit;
  blobsOfPurged(sql, run);
  sql.run("UPDATE plans SET runs = runs - 1 WHERE hash = (SELECT plan FROM runs WHERE seq = ?)", run);
  sql.run("UPDATE runs SET purged = 1, tags = '[]', traceparent = NULL, input = NULL WHERE seq = ?", run);
  sql.run("DELETE FROM shelves WHERE shelf = 'purging' AND run = ?", run);
  buryClaim(unit, run);
  shelve(unit, "forget", now + REMEMBER_MS, run);
}

/** Forgets ids whose time is over. */
function forget({ sql, now }: Unit, budget: { rows: number }): void {
  const select = "SELECT at, run FROM shelves WHERE shelf = 'forget' AND at <= ? ORDER BY at, run LIMIT ?";
  for (const [at, run] of sql.tuples(select, now, Math.max(0, budget.rows)) as [number, number][]) {
    forgetClaim(sql, run);
    sql.run("DELETE FROM runs WHERE seq = ?", run);
    sql.run("DELETE FROM shelves WHERE shelf = 'forget' AND at = ? AND run = ?", at, run);
    budget.rows--;
  }
}

/** Plans that nothing needs, claims whose time is over, sessions that are over, and what says nothing of a rate any more. */
function sweepUp(unit: Unit, budget: { rows: number }): void {
  const { sql, now } = unit;
  if (budget.rows <= 0) return;
  budget.rows -= purgeClaims(unit, budget.rows);
  const idle =
    "SELECT hash FROM plans WHERE runs <= 0 AND hash NOT IN (SELECT plan FROM registrations) LIMIT ?";
  budget.rows -= sql.run(`DELETE FROM plans WHERE hash IN (${idle})`, budget.rows);
  const full = "SELECT name, key FROM buckets WHERE gone < ? ORDER BY gone LIMIT ?";
  budget.rows -= sql.run(`DELETE FROM buckets WHERE (name, key) IN (${full})`, now, Math.max(0, budget.rows));
  const over = "SELECT seq FROM sessions WHERE state = 'over' AND ended < ? LIMIT ?";
  for (const [seq] of sql.tuples(over, now - SESSION_MS, Math.max(0, budget.rows)) as [number][]) {
    budget.rows -= sql.run("DELETE FROM lanes WHERE session = ?", seq);
    budget.rows -= sql.run("DELETE FROM sessions WHERE seq = ?", seq);
  }
}
