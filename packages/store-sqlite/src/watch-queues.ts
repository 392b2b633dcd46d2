import {
  countServing,
  isOrphaned,
  ORPHANED_AFTER_MS,
  type OrphanFigures,
  type QueueEventRecord,
  WATCH_QUEUES_MS,
} from "@jobbers/core";
import { insertEvent, NO_RUN } from "./feed.js";
import { listQueues } from "./queues.js";
import type { Unit } from "./unit.js";

interface Orphan {
  readonly queue: string;
  readonly since: number;
  readonly told: 0 | 1;
}

/** Looks which queues have ready steps and nobody who serves them, and tells of those that have been so for long. */
export function watchQueues(unit: Unit): void {
  const { sql, now } = unit;
  const last = sql.tuple("SELECT value FROM jobbers WHERE key = 'watched'")?.[0] as number | undefined;
  if (last !== undefined && now - last < WATCH_QUEUES_MS) return;
  const upsert =
    "INSERT INTO jobbers (key, value) VALUES ('watched', ?) ON CONFLICT DO UPDATE SET value = excluded.value";
  sql.run(upsert, now);
  const isAfterPause = last !== undefined && now - last > ORPHANED_AFTER_MS;
  const known = new Map(sql.all<Orphan>("SELECT * FROM orphans").map((each) => [each.queue, each]));
  const queues = listQueues(sql).filter(({ name, ready }) => ready > 0 || known.has(name));
  const serving = queues.length === 0 ? new Map<string, number>() : servingOf(unit);
  for (const { name, ready } of queues) {
    const orphan = known.get(name);
    known.delete(name);
    const workers = serving.get(name) ?? 0;
    if (isOrphaned({ ready }, workers)) note(unit, { name, ready, isAfterPause }, orphan);
    else if (orphan) forget(unit, orphan, { ready, workers });
  }
  for (const orphan of known.values()) forget(unit, orphan, { ready: 0, workers: 0 });
}

/** How many sessions serve each queue. */
function servingOf({ sql }: Unit): Map<string, number> {
  const rows = sql.tuples("SELECT queues FROM sessions WHERE state = 'open'") as [string][];
  return countServing(rows.map(([queues]) => ({ queues: JSON.parse(queues) as string[] })));
}

function note(
  unit: Unit,
  { name, ready, isAfterPause }: { name: string; ready: number; isAfterPause: boolean },
  orphan: Orphan | undefined,
): void {
  const { now, sql } = unit;
  if (orphan?.told === 1) return;
  const since = orphan === undefined || isAfterPause ? now : orphan.since;
  const isLong = now - since >= ORPHANED_AFTER_MS;
  if (isLong) tell(unit, "queue.orphaned", name, { ready, workers: 0, forMs: now - since });
  sql.run(
    "INSERT OR REPLACE INTO orphans (queue, since, told) VALUES (?, ?, ?)",
    name,
    since,
    isLong ? 1 : 0,
  );
}

function forget(
  unit: Unit,
  { queue, since, told }: Orphan,
  figures: { ready: number; workers: number },
): void {
  unit.sql.run("DELETE FROM orphans WHERE queue = ?", queue);
  if (told === 1) tell(unit, "queue.served", queue, { ...figures, forMs: unit.now - since });
}

function tell(unit: Unit, type: QueueEventRecord["type"], queue: string, figures: OrphanFigures): void {
  insertEvent(unit, NO_RUN, type, queue, { ...figures });
}
