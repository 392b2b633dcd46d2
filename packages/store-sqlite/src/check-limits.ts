import type { Inspection } from "./check.js";
import { roomOf } from "./limit-meters.js";
import { readUses } from "./limit-rules.js";
import { closeTenant, openTenant } from "./tenants.js";
import type { KnownLine } from "./turn.js";

/** Who has a limit's slot holds the step, who runs under it has its slot, what is parked is woken some time, and tenants take turns. */
export function checkLimits(inspection: Inspection): undefined {
  freeStale(inspection);
  giveMissing(inspection);
  wakeForgotten(inspection);
  checkTenants(inspection);
  inspection.examined++;
}

function freeStale({ unit, tell }: Inspection): void {
  const select =
    "SELECT slots.name, slots.key, slots.run, slots.address, runs.id FROM slots LEFT JOIN runs ON runs.seq = slots.run " +
    "LEFT JOIN held ON held.session = slots.session AND held.run = slots.run AND held.address = slots.address " +
    "WHERE held.run IS NULL";
  for (const [name, key, run, address, id] of unit.sql.tuples(select) as [
    string,
    string,
    number,
    string,
    string | null,
  ][]) {
    // A lease that was given back earlier in this page is in memory yet.
    const facts = { run: id ?? undefined, step: address, key: `slots of ${name}`, detail: key || undefined };
    if (!tell("slot-stale", facts, true)) continue;
    const where = "name = ? AND key = ? AND run = ? AND address = ?";
    unit.sql.run(`DELETE FROM slots WHERE ${where}`, name, key, run, address);
    unit.limits.ringAt(name, key, unit.now);
  }
}

/** Steps that run under keys which their code has said, or under rules that were there when they were taken. */
function giveMissing({ unit, tell, limit }: Inspection): void {
  const select =
    "SELECT held.session, held.run, held.address FROM held JOIN steps USING (run, address) " +
    "WHERE steps.session = held.session AND phase = 'run' AND limits IS NOT NULL AND limits <> '[]' LIMIT ?";
  for (const [session, run, address] of unit.sql.tuples(select, limit) as [number, number, string][]) {
    const known = unit.run(run);
    const step = known && unit.step(known, address);
    for (const { limit: name, key } of readUses(step?.limits ?? "")) {
      const kind = unit.sql.tuple("SELECT kind FROM limits WHERE name = ?", name)?.[0];
      const has = "SELECT 1 FROM slots WHERE name = ? AND key = ? AND run = ? AND address = ?";
      if (kind !== "concurrency" || unit.sql.tuple(has, name, key, run, address)) continue;
      if (!tell("slot-missing", { run: known?.id, step: address, key: `slots of ${name}` }, true)) continue;
      const insert = "INSERT INTO slots (name, key, run, address, session) VALUES (?, ?, ?, ?, ?)";
      unit.sql.run(insert, name, key, run, address, session);
    }
  }
}

/** A limit with room looks at what is parked on it by a timer; one without is woken by the end of an attempt. */
function wakeForgotten({ unit, tell }: Inspection): void {
  const select =
    "SELECT DISTINCT parked FROM lines WHERE parked IS NOT NULL AND parked NOT IN (SELECT name || char(10) || key FROM wakes)";
  for (const [parked] of unit.sql.tuples(select) as [string][]) {
    const [name = "", key = ""] = parked.split("\n");
    const meter = unit.limits.meter(name, key);
    if (roomOf(meter, 1, unit.now) < 1 && meter.used > 0) continue;
    if (tell("line-parked", { key: `limit ${name}`, detail: key || undefined }, true))
      unit.limits.ringAt(name, key, unit.now);
  }
}

/** Who takes turns has an open line, and who has one takes turns. */
function checkTenants({ unit, tell }: Inspection): void {
  const same =
    "queue = this.queue AND priority = this.priority AND needs = this.needs AND tenant = this.tenant";
  const idle =
    "SELECT queue, priority, needs, tenant FROM tenants AS this " +
    `WHERE NOT EXISTS (SELECT 1 FROM lines WHERE ${same} AND tenant <> '' AND parked IS NULL)`;
  for (const line of unit.sql.all<KnownLine>(idle))
    if (tell("orphan", { key: "tenants", detail: `${line.tenant} has no open line` }, true))
      closeTenant(unit.sql, line);
  const forgotten =
    "SELECT DISTINCT queue, priority, needs, tenant FROM lines AS this " +
    `WHERE tenant <> '' AND parked IS NULL AND NOT EXISTS (SELECT 1 FROM tenants WHERE ${same})`;
  for (const line of unit.sql.all<KnownLine>(forgotten))
    if (tell("line-closed", { key: "tenants", detail: `${line.tenant} takes no turns` }, true))
      openTenant(unit.sql, line);
}
