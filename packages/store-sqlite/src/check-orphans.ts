import type { Inspection, Place } from "./check.js";

/** Tables that hang on runs. Entries of lines and timers do not count: whoever meets them drops them. */
const tables = ["steps", "bodies", "vals", "attempts", "counts", "dead_letters", "logs", "logged"] as const;

/** Rows of runs that do not exist, one run at a time. */
export function checkOrphans(inspection: Inspection, from: Place | undefined): Place | undefined {
  const { unit, limit } = inspection;
  let [at, after] = (from ?? [0, -1]) as [number, number];
  while (inspection.examined < limit) {
    const table = tables[at];
    if (table === undefined) return undefined;
    const [run] = unit.sql.tuple(`SELECT min(run) FROM ${table} WHERE run > ?`, after) ?? [];
    inspection.examined++;
    if (typeof run !== "number") {
      at++;
      after = -1;
      continue;
    }
    checkRun(inspection, table, run);
    after = run;
  }
  return [at, after];
}

function uncountLetters({ unit }: Pick<Inspection, "unit">, run: number): void {
  const rows = unit.sql.tuples("SELECT task, count(*) FROM dead_letters WHERE run = ? GROUP BY 1", run);
  for (const [task, n] of rows) unit.ledger.tally(`dead:${task}`, -(n as number));
}

/** Only what has failed for good has a dead letter. */
function checkLetters({ unit, tell }: Pick<Inspection, "unit" | "tell">, id: string, run: number): void {
  const isDead = "SELECT address FROM steps WHERE run = ?1 AND state = 'failed' AND rescued = -1";
  const select = `SELECT address, task FROM dead_letters WHERE run = ?1 AND address NOT IN (${isDead})`;
  for (const [address, task] of unit.sql.tuples(select, run) as [string, string][]) {
    if (!tell("letter-stale", { run: id, step: address }, true)) continue;
    unit.sql.run("DELETE FROM dead_letters WHERE run = ? AND address = ?", run, address);
    unit.ledger.tally(`dead:${task}`, -1);
  }
}

function checkRun({ unit, tell }: Inspection, table: (typeof tables)[number], run: number): void {
  const { sql } = unit;
  const found = sql.tuple("SELECT id FROM runs WHERE seq = ?", run);
  if (!found) {
    const [n] = sql.tuple(`SELECT count(*) FROM ${table} WHERE run = ?`, run) as [number];
    const detail = `${n} rows of run number ${run}, which is gone`;
    if (!tell("orphan", { key: table, detail }, true)) return;
    if (table === "dead_letters") uncountLetters({ unit }, run);
    sql.run(`DELETE FROM ${table} WHERE run = ?`, run);
    return;
  }
  if (table === "dead_letters") checkLetters({ unit, tell }, found[0] as string, run);
  if (table !== "bodies") return;
  const where = "run = ? AND address NOT IN (SELECT address FROM steps WHERE run = ?)";
  for (const [address] of sql.tuples(`SELECT address FROM bodies WHERE ${where}`, run, run)) {
    const facts = { run: found[0] as string, step: address as string, detail: "a body without its step" };
    if (tell("orphan", facts, true))
      sql.run("DELETE FROM bodies WHERE run = ? AND address = ?", run, address as string);
  }
}
