import type { Inspection, Place } from "./check.js";

/** What sessions are said to hold names them. */
export function checkHeld(inspection: Inspection, from: Place | undefined): Place | undefined {
  const { unit, limit, tell } = inspection;
  const room = Math.max(1, limit - inspection.examined);
  const rows = unit.sql.tuples(
    "SELECT held.session, held.run, held.address, steps.session, runs.id, sessions.id FROM held " +
      "LEFT JOIN steps ON steps.run = held.run AND steps.address = held.address " +
      "LEFT JOIN runs ON runs.seq = held.run LEFT JOIN sessions ON sessions.seq = held.session " +
      "WHERE (held.session, held.run, held.address) > (?, ?, ?) " +
      "ORDER BY held.session, held.run, held.address LIMIT ?",
    from?.[0] ?? -1,
    from?.[1] ?? -1,
    from?.[2] ?? "",
    room,
  ) as [number, number, string, number | null, string | null, string | null][];
  for (const [session, run, address, holder, runId, id] of rows) {
    // A lease that was given back earlier in this page is in memory yet.
    const step = runId === null ? undefined : unit.run(run)?.steps.get(address);
    if ((step ? step.session : holder) === session) continue;
    const facts = { run: runId ?? undefined, step: address, key: `held of ${id ?? session}` };
    if (tell("hold-stale", facts, true))
      unit.sql.run("DELETE FROM held WHERE session = ? AND run = ? AND address = ?", session, run, address);
  }
  inspection.examined += rows.length;
  return rows.length < room ? undefined : (rows.at(-1) as (string | number)[]).slice(0, 3);
}

const states = ["open", "closing", "lost", "over"];

/** Sessions, and what is kept for them. */
export function checkSessions(inspection: Inspection): undefined {
  const { unit, tell } = inspection;
  const { sql } = unit;
  for (const [id, state] of sql.tuples("SELECT id, state FROM sessions"))
    if (!states.includes(state as string)) tell("record-broken", { key: `session ${id}` });
  const orphans = [
    [
      "mail",
      "the run is not being cancelled",
      "run NOT IN (SELECT seq FROM runs WHERE cancelling > 0 AND ended IS NULL)",
    ],
    ["mail", "its session is over", "session NOT IN (SELECT seq FROM sessions WHERE state <> 'over')"],
    ["lanes", "its session is gone", "session NOT IN (SELECT seq FROM sessions)"],
  ] as const;
  for (const [table, why, where] of orphans) {
    const [n] = sql.tuple(`SELECT count(*) FROM ${table} WHERE ${where}`) as [number];
    if (n > 0 && tell("orphan", { key: table, detail: `${n}, ${why}` }, true))
      sql.run(`DELETE FROM ${table} WHERE ${where}`);
  }
  inspection.examined++;
}
