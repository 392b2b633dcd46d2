import {
  createLogPager,
  type LogPage,
  type LogPart,
  type LogQuery,
  noteLogPart,
  packLogPart,
  type SeenLines,
  STEP_LOG_BYTES,
  STEP_LOG_LINES,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import type { Run } from "./records.js";
import type { Unit } from "./unit.js";

/** How many parts one look reads at most, and about how many bytes. */
const READ_PARTS = 1_000;
const READ_BYTES = 512 * 1024;

/** Keeps what attempts have logged. Their steps are not looked at: whose lines they are, the fence says. */
export function appendLogs(unit: Unit, parts: readonly LogPart[]): void {
  for (const part of parts) {
    const run = unit.runById(part.lease.run);
    if (run && !run.purged) append(unit, run, part);
  }
}

function append(unit: Unit, run: Run, part: LogPart): void {
  const { sql, now } = unit;
  const { address, fence } = part.lease;
  const select = "SELECT lines, bytes, dropped, seen FROM logged WHERE run = ? AND address = ?";
  const row = sql.tuple(select, run.seq, address) as [number, number, number, string] | undefined;
  const [lines, bytes, dropped, text] = row ?? [0, 0, 0, "{}"];
  const seen = JSON.parse(text) as SeenLines;
  const missed = noteLogPart(seen, part);
  if (missed === undefined) return;
  const packed = packLogPart(part.lines);
  const size = Buffer.byteLength(packed);
  sql.run(
    "INSERT INTO logs (run, seq, address, fence, at, first, lines, bytes, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[run.seq, unit.turn.nextSeq(), address, fence, now, part.from, part.lines.length, size, packed],
  );
  const kept = trim(sql, run.seq, address, { lines: lines + part.lines.length, bytes: bytes + size });
  sql.run(
    "INSERT OR REPLACE INTO logged (run, address, lines, bytes, dropped, seen) VALUES (?, ?, ?, ?, ?, ?)",
    ...[run.seq, address, kept.lines, kept.bytes, dropped + missed + kept.gone, JSON.stringify(seen)],
  );
  if (missed + kept.gone > 0) noteDropped(sql, run.seq, missed + kept.gone);
  unit.event(run, "step.logged", address, { lines: part.lines.length });
}

/** What is dropped of all steps of a run stands at no address. */
function noteDropped(sql: Sql, run: number, lines: number): void {
  sql.run(
    "INSERT INTO logged (run, address, lines, bytes, dropped, seen) VALUES (?, '', 0, 0, ?, '{}') " +
      "ON CONFLICT DO UPDATE SET dropped = dropped + excluded.dropped",
    ...[run, lines],
  );
}

/** Lets the oldest parts of a step go, as long as there is too much, but for the newest. */
function trim(sql: Sql, run: number, address: string, { lines, bytes }: { lines: number; bytes: number }) {
  let gone = 0;
  while (lines > STEP_LOG_LINES || bytes > STEP_LOG_BYTES) {
    const select = "SELECT seq, lines, bytes FROM logs WHERE run = ? AND address = ? ORDER BY seq LIMIT 2";
    const [oldest, next] = sql.tuples(select, run, address) as [number, number, number][];
    if (!oldest || !next) break;
    sql.run("DELETE FROM logs WHERE run = ? AND seq = ?", run, oldest[0]);
    lines -= oldest[1];
    bytes -= oldest[2];
    gone += oldest[1];
  }
  return { lines, bytes, gone };
}

type LogRow = [...[seq: number, address: string, fence: number, at: number], first: number, text: string];

/** A page of a run's lines, or of one step's. */
export function readLogs(sql: Sql, run: number, query: LogQuery): LogPage {
  const { address } = query;
  const pager = createLogPager(query);
  const isOf = address === undefined ? "" : " AND address = ?";
  const which = address === undefined ? [run] : [run, address];
  const counted = sql.tuple("SELECT dropped FROM logged WHERE run = ? AND address = ?", run, address ?? "");
  const dropped = (counted?.[0] as number | undefined) ?? 0;
  const select = `SELECT seq, address, fence, at, first, text FROM logs WHERE run = ?${isOf} AND seq > ? ORDER BY seq LIMIT 20`;
  let bytes = 0;
  for (let parts = 0; !pager.isFull && parts < READ_PARTS && bytes < READ_BYTES; ) {
    const rows = sql.tuples(select, ...which, pager.after) as LogRow[];
    for (const [place, of, attempt, atMs, from, text] of rows) {
      if (pager.isFull) break;
      pager.take({ place, address: of, attempt, from, atMs, text });
      bytes += text.length;
      parts += 1;
    }
    if (rows.length < 20 && !pager.isFull) return pager.page({ more: false, dropped });
  }
  const rest = `SELECT 1 FROM logs WHERE run = ?${isOf} AND seq > ? LIMIT 1`;
  return pager.page({ more: sql.tuple(rest, ...which, pager.after) !== undefined, dropped });
}
