import type { Obliterated, Obliteration } from "@jobbers/core";
import { OBLITERATE_LIMIT } from "@jobbers/core";
import { settle } from "./settle.js";
import type { NearRow } from "./sticky.js";
import type { Unit } from "./unit.js";

/** Settles the oldest ready steps of a queue as cancelled: none that came after the first call, which the cursor remembers. */
export function obliterate(unit: Unit, queue: string, { cursor, limit }: Obliteration): Obliterated {
  const upTo = cursor === undefined ? unit.turn.nextSeq() : Number(cursor);
  const most = Math.max(1, Math.min(limit, OBLITERATE_LIMIT));
  const select =
    "SELECT id, queue, priority, needs, limits, worker, within FROM lines WHERE queue = ? AND depth > 0 " +
    "AND EXISTS (SELECT 1 FROM ready WHERE line = lines.id AND seq <= ?) ORDER BY id LIMIT ?";
  let removed = 0;
  let left = most;
  for (const line of unit.sql.all<NearRow>(select, queue, upTo, most)) {
    const page = unit.sql.tuples(
      "SELECT seq, run, address FROM ready WHERE line = ? AND seq <= ? ORDER BY seq LIMIT ?",
      ...[line.id, upTo, left],
    ) as [number, number, string][];
    if (page.length === 0) continue;
    const known = unit.ledger.lineOf(line);
    unit.ledger.shift(known, (page.at(-1) as [number, number, string])[0], page.length);
    for (const [seq, run, address] of page) if (remove(unit, run, address, seq)) removed++;
    left -= page.length;
    if (left === 0) return { removed, next: String(upTo) };
  }
  return { removed };
}

/** False for an entry that nobody waits behind any more. */
function remove(unit: Unit, runSeq: number, address: string, seq: number): boolean {
  const run = unit.run(runSeq);
  const step = run && unit.step(run, address);
  if (!step || step.seq !== seq || run.ended !== null) return false;
  settle(unit, step, "cancelled", run.cancelling ? "cancelled" : "obliterated");
  return true;
}
