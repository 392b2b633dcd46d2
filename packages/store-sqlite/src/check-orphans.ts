import type { Inspection, Place } from "./check.js";

/** Tables that hang on runs. Entries of lines and timers do not count: whoever meets them drops them. */
const tables = ["steps", "bodies", "vals", "attempts", "counts", "logs", "logged"] as const;

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

function checkRun({ unit, tell }: Inspection, table: (typeof tables)[number], run: number): void {
  const { sql } = unit;
  const found = sql.tuple("SELECT id FROM runs WHERE seq = ?", run);
  if (!found) {
    const [n] = sql.tuple(`SELECT count(*) FROM ${table} WHERE run = ?`, run) as [number];
    const detail = `${n} rows of run number ${run}, which is gone`;
    if (tell("orphan", { key: table, detail }, true)) sql.run(`DELETE FROM ${table} WHERE run = ?`, run);
    return;
  }
  if (table !== "bodies") return;
  const where = "run = ? AND address NOT IN (SELECT address FROM steps WHERE run = ?)";
  for (const [address] of sql.tuples(`SELECT address FROM bodies WHERE ${where}`, run, run)) {
    const facts = { run: found[0] as string, step: address as string, detail: "a body without its step" };
    if (tell("orphan", facts, true))
      sql.run("DELETE FROM bodies WHERE run = ? AND address = ?", run, address as string);
  }
}
