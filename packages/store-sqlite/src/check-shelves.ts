import type { Inspection, Place } from "./check.js";
import { shelve } from "./run-end.js";

/** What an entry on each shelf says of its run. */
const fits = `CASE shelf
  WHEN 'kept' THEN purged = 0 AND keep IS NOT NULL AND at = ended + keep
  WHEN 'lettered' THEN purged = 0 AND keep IS NULL AND at = ended
  WHEN 'purging' THEN purged = 1 AND ended IS NOT NULL
  WHEN 'forget' THEN purged = 1 AND ended IS NOT NULL
  ELSE purged = 0 AND keep IS NULL AND state = shelf AND at = ended END`;

/** Retention has no run that it should not have, and counts what it has. */
export function checkShelves(inspection: Inspection, from: Place | undefined): Place | undefined {
  const { unit, limit, tell } = inspection;
  const { sql, ledger } = unit;
  const room = Math.max(1, limit - inspection.examined);
  const rows = sql.tuples(
    `SELECT shelf, at, run, id, coalesce(${fits}, 0) FROM shelves LEFT JOIN runs ON runs.seq = shelves.run ` +
      "WHERE (shelf, at, run) > (?, ?, ?) ORDER BY shelf, at, run LIMIT ?",
    from?.[0] ?? "",
    from?.[1] ?? -1,
    from?.[2] ?? -1,
    room,
  ) as [string, number, number, string | null, number][];
  for (const [shelf, at, run, id, isRight] of rows) {
    if (isRight) continue;
    if (!tell(id ? "run-mislisted" : "orphan", { run: id ?? undefined, key: shelf }, true)) continue;
    sql.run("DELETE FROM shelves WHERE shelf = ? AND at = ? AND run = ?", shelf, at, run);
    if (["succeeded", "failed", "cancelled"].includes(shelf)) ledger.tally(shelf, -1);
  }
  inspection.examined += rows.length;
  if (rows.length === room) return (rows.at(-1) as (string | number)[]).slice(0, 3);
  checkTallies(inspection);
  checkGone(inspection);
  return undefined;
}

function checkTallies({ unit, tell }: Inspection): void {
  unit.ledger.flush();
  const rows = unit.sql.tuples(
    "SELECT shelf, sum(recorded), sum(counted) FROM (" +
      "SELECT shelf, n AS recorded, 0 AS counted FROM tallies UNION ALL " +
      "SELECT shelf, 0, count(*) FROM shelves WHERE shelf IN ('succeeded', 'failed', 'cancelled') GROUP BY 1 UNION ALL " +
      "SELECT 'dead:' || task, 0, count(*) FROM dead_letters GROUP BY 1" +
      ") GROUP BY 1 HAVING sum(recorded) <> sum(counted)",
  ) as [string, number, number][];
  for (const [shelf, recorded, counted] of rows) {
    const detail = `${shelf}: recorded ${recorded}, counted ${counted}`;
    if (tell("count-list", { key: "tallies", detail }, true)) unit.ledger.tally(shelf, counted - recorded);
  }
}

/** Runs of which only the id is left, and that neither purging nor forgetting knows. */
function checkGone(inspection: Inspection): void {
  const { unit, tell } = inspection;
  const rows = unit.sql.tuples(
    "SELECT seq, id FROM runs WHERE purged = 1 AND seq NOT IN " +
      "(SELECT run FROM shelves WHERE shelf IN ('purging', 'forget')) LIMIT 500",
  ) as [number, string][];
  // Purging it once more does no harm: what is gone already is not there to be deleted.
  for (const [seq, id] of rows)
    if (tell("run-unlisted", { run: id, key: "purging" }, true)) shelve(unit, "purging", unit.now, seq);
}

/** Plans that are referenced exist, and know how many runs need them: whoever takes the last need away deletes them. */
export function checkPlans(inspection: Inspection): undefined {
  const { unit, tell } = inspection;
  const { sql } = unit;
  const missing = "SELECT name, plan FROM registrations WHERE plan NOT IN (SELECT hash FROM plans)";
  for (const [name, plan] of sql.tuples(missing))
    tell("plan-missing", { key: plan as string, detail: `registered as ${name}` });
  const rows = sql.tuples(
    "SELECT hash, sum(recorded), sum(counted) FROM (" +
      "SELECT hash, runs AS recorded, 0 AS counted FROM plans UNION ALL " +
      "SELECT plan, 0, 1 FROM runs WHERE plan IN (SELECT hash FROM plans) AND NOT (purged = 1 AND seq IN " +
      "(SELECT run FROM shelves WHERE shelf = 'forget'))" +
      ") GROUP BY 1 HAVING sum(recorded) <> sum(counted)",
  ) as [string, number, number][];
  for (const [hash, recorded, counted] of rows) {
    const detail = `runs of it: recorded ${recorded}, counted ${counted}`;
    if (tell("count-list", { key: `plan ${hash}`, detail }, true))
      sql.run("UPDATE plans SET runs = ? WHERE hash = ?", counted, hash);
  }
  inspection.examined++;
}

/** A key that is held until a run's end goes with the run. */
export function checkClaims({ unit, tell }: Inspection): undefined {
  const { sql } = unit;
  const rows = sql.tuples(
    "SELECT scope, name, key, id FROM claims WHERE until IS NULL AND run NOT IN (SELECT seq FROM runs) LIMIT 500",
  ) as [string, string, string, string][];
  for (const [scope, name, key, run] of rows) {
    const detail = `a ${scope} key of ${name} whose run is gone`;
    if (tell("orphan", { run, key: "claims", detail }, true))
      sql.run("DELETE FROM claims WHERE scope = ? AND name = ? AND key = ?", scope, name, key);
  }
  return undefined;
}
