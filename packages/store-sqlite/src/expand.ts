import { type Expansion, type ExpansionReply, valueKey } from "@jobbers/core";
import { startEntries } from "./ready.js";
import type { Step } from "./records.js";
import { beginBody, stepBehind } from "./report.js";
import { isSettledState, settle } from "./settle.js";
import { countInstance } from "./shares.js";
import type { Unit } from "./unit.js";
import { putValue } from "./values.js";

/** Lays out a page of a map's instances; what lies before the stored cursor was laid out already. */
export function expand(unit: Unit, expansion: Expansion): ExpansionReply {
  const { lease, count } = expansion;
  const step = stepBehind(unit, lease);
  if (!step || step.fence !== lease.fence || step.spec.kind !== "map") return { status: "stale" };
  // The last page ends the lease: repeated, it finds the map past its expansion under the same fence.
  if (isLaidOut(unit, step)) return { status: "accepted", cursor: count };
  const isOpen = step.phase === "expand" && (step.state === "running" || step.state === "ready");
  if (!isOpen || step.run.ended !== null) return { status: "stale" };
  if (step.run.cancelling) {
    settle(unit, step, "cancelled", "cancelled");
    return { status: "stale" };
  }
  layOut(unit, step, expansion);
  // The cursor serves another purpose once the map has ended, which it may do at once.
  const { cursor } = step;
  if (cursor >= count) beginBody(unit, step);
  return { status: "accepted", cursor };
}

/** True for a map whose body goes on by itself, or has ended. */
function isLaidOut(unit: Unit, step: Step): boolean {
  if (step.state === "expanding") return true;
  const endedWithBody = isSettledState(step.state) && (step.reason === null || step.reason === "body");
  return endedWithBody && unit.body(step).count !== null;
}

function layOut(unit: Unit, step: Step, { count, membersEach, from, items }: Expansion): void {
  const { run, address } = step;
  const body = unit.body(step);
  if (body.count === null) {
    body.count = count;
    body.members = count * membersEach;
    body.dirty = true;
  }
  // A page that begins beyond the cursor would leave a gap: the answer says where to go on.
  if (from > step.cursor) return;
  for (const { value, entries, queue } of items.slice(step.cursor - from)) {
    // A map that failed is laid out once more by a retry; what had begun keeps its steps, and was counted.
    const first = entries[0];
    const isNew = first === undefined || !unit.step(run, first.address);
    if (queue !== undefined && isNew) countInstance(unit, step, queue);
    putValue(unit.sql, run.seq, valueKey.item(address, step.cursor), value);
    startEntries(unit, run, entries, undefined, step.near);
    step.cursor++;
  }
  step.dirty = true;
}
