import { levelCost } from "@jobbers/core";
import type { Inspection, Place } from "./check.js";

/** The depths of lines equal a recount. */
export function checkLines(inspection: Inspection, from: Place | undefined): Place | undefined {
  const { unit, tell } = inspection;
  const row = unit.sql.tuple(
    "SELECT id, queue, priority, needs, depth, (SELECT count(*) FROM ready WHERE line = lines.id) FROM lines " +
      "WHERE id > ? ORDER BY id LIMIT 1",
    from?.[0] ?? -1,
  ) as [number, string, number, string, number, number] | undefined;
  if (!row) {
    checkLost(inspection);
    return undefined;
  }
  const [id, queue, priority, needs, depth, counted] = row;
  inspection.examined += 1 + counted;
  if (depth !== counted) {
    const key = `line ${[queue || "control", priority, needs].join(":")}`;
    const detail = `recorded ${depth}, counted ${counted}`;
    if (tell("count-line", { key, detail }, true))
      unit.sql.run("UPDATE lines SET depth = ? WHERE id = ?", counted, id);
  }
  return [id];
}

/** Entries of a line that is not there are never popped. */
function checkLost({ unit, tell }: Inspection): void {
  const where = "line NOT IN (SELECT id FROM lines)";
  const found = unit.sql.tuple(`SELECT line FROM ready WHERE ${where} LIMIT 1`);
  if (!found) return;
  if (tell("orphan", { key: "ready", detail: `entries of a line ${found[0]} that is not there` }, true))
    unit.sql.run(`DELETE FROM ready WHERE ${where}`);
}

/** Running steps by queue, against all leases. */
export function checkQueues(inspection: Inspection): undefined {
  const { unit, tell } = inspection;
  const rows = unit.sql.tuples(
    "SELECT queue, sum(recorded), sum(counted) FROM (" +
      "SELECT name AS queue, running AS recorded, 0 AS counted FROM queues UNION ALL " +
      "SELECT spec ->> 7, 0, 1 FROM held JOIN steps USING (run, address) " +
      "WHERE steps.session = held.session AND phase = 'run'" +
      ") GROUP BY 1 HAVING sum(recorded) <> sum(counted)",
  ) as [string, number, number][];
  for (const [queue, recorded, counted] of rows) {
    const detail = `${queue}: recorded ${recorded}, counted ${counted}`;
    if (tell("count-queue", { key: "queues", detail }, true)) unit.ledger.running(queue, counted - recorded);
  }
  checkLevels(inspection);
  inspection.examined++;
}

/** What priorities are ahead of each other by, in weighted queues: at most a turn. */
function checkLevels({ unit, tell }: Inspection): void {
  const select =
    "SELECT queue, ahead, coalesce(weighted, 0) FROM levels LEFT JOIN queue_settings ON name = queue";
  for (const [queue, ahead, weighted] of unit.sql.tuples(select) as [string, string, number][]) {
    const all = JSON.parse(ahead) as number[];
    if (weighted === 1 && all.every((each, priority) => each <= levelCost(priority))) continue;
    if (tell("level-stale", { key: "levels", detail: queue }, true))
      unit.sql.run("DELETE FROM levels WHERE queue = ?", queue);
  }
}
