import { areRoleQueues, isCap, type RoleVersion } from "@jobbers/core";
import type { Inspection } from "./check.js";
import { writeRole } from "./roles.js";

/** The edits of roles can be read, what they may run at once is kept as the newest says, and leases are counted as what they are. */
export function checkRoles(inspection: Inspection): undefined {
  const { unit, tell } = inspection;
  const rows = unit.sql.tuples("SELECT name, versions, concurrency FROM roles ORDER BY name");
  for (const [name, text, cap] of rows as [string, string, number | null][]) {
    inspection.examined++;
    const { edits, broken } = readEdits(text);
    const newest = edits[0]?.concurrency ?? null;
    const uncapped = `${name}: kept ${cap ?? "none"}, edited ${newest ?? "none"}`;
    const isUnreadable =
      broken > 0 && tell("role-broken", { key: "roles", detail: `${name}: ${broken} of its edits` }, true);
    const isUncapped = cap !== newest && tell("role-uncapped", { key: "roles", detail: uncapped }, true);
    if (!isUnreadable && !isUncapped) continue;
    if (edits.length > 0) writeRole(unit.sql, name, edits);
    else unit.sql.run("DELETE FROM roles WHERE name = ?", name);
  }
  checkControl(inspection);
}

/** Those edits that can be read, each older than the one before; and how many cannot. */
function readEdits(text: string): { readonly edits: readonly RoleVersion[]; readonly broken: number } {
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch {
    return { edits: [], broken: 1 };
  }
  if (!Array.isArray(all) || all.length === 0) return { edits: [], broken: 1 };
  const edits: RoleVersion[] = [];
  for (const each of all)
    if (isEdit(each) && each.version < (edits.at(-1)?.version ?? Infinity)) edits.push(each);
  return { edits, broken: all.length - edits.length };
}

function isEdit(each: unknown): each is RoleVersion {
  if (typeof each !== "object" || each === null) return false;
  const { version, queues, concurrency, by, atMs } = each as Partial<Record<keyof RoleVersion, unknown>>;
  const isNumbered = Number.isInteger(version) && (version as number) >= 1;
  if (!isNumbered || typeof by !== "string" || typeof atMs !== "number") return false;
  if (queues !== undefined && !areRoleQueues(queues)) return false;
  return concurrency === undefined || (queues !== undefined && isCap(concurrency));
}

/** Leases on control work are not counted as what a role runs. */
function checkControl({ unit, tell, limit }: Inspection): void {
  const select =
    "SELECT held.session, held.run, held.address, runs.id FROM held JOIN steps USING (run, address) JOIN runs ON runs.seq = held.run " +
    "WHERE steps.session = held.session AND control <> (phase <> 'run') LIMIT ?";
  for (const [session, run, address, id] of unit.sql.tuples(select, limit) as [
    number,
    number,
    string,
    string,
  ][]) {
    if (!tell("lease-mistaken", { run: id, step: address, key: "held" }, true)) continue;
    const update = "UPDATE held SET control = 1 - control WHERE session = ? AND run = ? AND address = ?";
    unit.sql.run(update, session, run, address);
  }
}
