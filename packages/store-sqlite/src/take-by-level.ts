import { aheadAfter, levelCost, TOP_PRIORITY, turnsOf } from "@jobbers/core";
import type { Sql } from "./driver.js";

/**
 * Taking from a weighted queue: each of its priorities has its share of what is taken, see core's fair-share.ts. One that has nothing the
 * session may pop costs no turn.
 */
export interface Levels {
  /** How many more are wanted. */
  room(): number;
  /** True when nothing more is looked at in this exchange. */
  isFull(): boolean;
  /** The priorities that have open lines which the session may pop. */
  open(): ReadonlySet<number>;
  /** Takes at most so many of one priority; answers how many. */
  take(priority: number, most: number): number;
}

/** All that there are, the highest first: of equals it has its turn first. */
export const PRIORITIES = Array.from({ length: TOP_PRIORITY + 1 }, (_, i) => TOP_PRIORITY - i);

export function takeByLevel(sql: Sql, queue: string, levels: Levels): void {
  const open = new Set(levels.open());
  let shares = readShares(sql, queue);
  let hasTaken = false;
  while (levels.room() > 0 && !levels.isFull() && open.size > 0) {
    const those = PRIORITIES.filter((priority) => open.has(priority));
    const counts = turnsOf(
      those.map((priority) => shares[TOP_PRIORITY - priority] as (typeof shares)[number]),
      levels.room(),
    );
    const taken = PRIORITIES.map((priority) => {
      const wanted = counts[those.indexOf(priority)] ?? 0;
      const n = wanted === 0 ? 0 : levels.take(priority, wanted);
      if (n < wanted) open.delete(priority);
      hasTaken ||= n > 0;
      return n;
    });
    const ahead = aheadAfter(shares, taken);
    shares = shares.map(({ cost }, i) => ({ cost, ahead: ahead[i] as number }));
  }
  if (hasTaken) writeShares(sql, queue, shares.map(({ ahead }) => ahead).reverse());
}

function readShares(sql: Sql, queue: string) {
  const row = sql.tuple("SELECT ahead FROM levels WHERE queue = ?", queue) as [string] | undefined;
  const ahead = row ? (JSON.parse(row[0]) as number[]) : [];
  return PRIORITIES.map((priority) => ({ ahead: ahead[priority] ?? 0, cost: levelCost(priority) }));
}

function writeShares(sql: Sql, queue: string, ahead: readonly number[]): void {
  sql.run("INSERT OR REPLACE INTO levels (queue, ahead) VALUES (?, ?)", queue, JSON.stringify(ahead));
}
