import {
  type DeadLetterCount,
  type DeadLetterFilter,
  type DeadLetterQuery,
  type DeadLetterRecord,
  type DeadLetterRef,
  diedAtMsOf,
  EXAMINED_LIMIT,
  letterSpan,
  NUMBERS_PER_MS,
  type RetentionRule,
  runCursor,
  type StepReason,
  valueKey,
} from "@jobbers/core";
import type { Sql, SqlValue } from "./driver.js";
import type { Run, Step } from "./records.js";
import { shelve } from "./run-end.js";
import { unpackSpec } from "./spec.js";
import type { Unit } from "./unit.js";
import { errorKey } from "./values.js";

/** With what the cursors of this kind of store begin. */
const STORE = "s";

/** How many letters are examined in one go. */
const WINDOW = 500;

/** Where runs stand that only their dead letters keep. */
export const LETTERED = "lettered";

/** Under these names the tallies count the letters of a task; no shelf is called so. */
const TALLY = "dead:";

/** Notes that a task's step has failed for good. */
export function addLetter(unit: Unit, step: Step): void {
  const { sql, now, ledger } = unit;
  const { run, address, spec, reason, tries, lost } = step;
  // Numbers grow, also where one instant has more of them than it has room for.
  const number = "max(coalesce((SELECT max(seq) FROM dead_letters), 0) + 1, ?)";
  sql.run(
    `INSERT INTO dead_letters (seq, run, address, task, queue, reason) VALUES (${number}, ?, ?, ?, ?, ?)`,
    now * NUMBERS_PER_MS,
    run.seq,
    address,
    spec.needs,
    spec.queue,
    reason,
  );
  ledger.tally(TALLY + spec.needs, 1);
  unit.event(run, "step.dead-lettered", address, { reason, tries, lost });
}

/** Forgets the letter of a step, where it has one. */
export function dropLetter({ sql, ledger }: Unit, { run, address, spec }: Step): void {
  const gone = sql.run("DELETE FROM dead_letters WHERE run = ? AND address = ?", run.seq, address);
  if (gone > 0) ledger.tally(TALLY + spec.needs, -gone);
}

/** The letters whose run is there, with what else there is to tell of them. */
const joined =
  "JOIN runs ON runs.seq = letter.run AND runs.purged = 0 " +
  "JOIN steps ON steps.run = letter.run AND steps.address = letter.address";

const fits =
  "(?3 IS NULL OR runs.id = ?3) AND (?4 IS NULL OR runs.name = ?4) AND (?5 IS NULL OR task = ?5) " +
  "AND (?6 IS NULL OR letter.queue = ?6) AND (?7 IS NULL OR letter.reason = ?7)";

function filterOf({ run, workflow, task, queue, reason }: DeadLetterFilter): SqlValue[] {
  return [run, workflow, task, queue, reason].map((each) => each ?? null);
}

/** True for a step with a letter that a filter fits. */
export function hasLetter({ sql }: Unit, { run, address }: Step, filter: DeadLetterFilter): boolean {
  const { floor, before } = letterSpan({ ...filter, limit: 1 }, STORE);
  const select =
    "SELECT 1 FROM dead_letters AS letter JOIN runs ON runs.seq = letter.run " +
    `WHERE letter.run = ?8 AND address = ?9 AND letter.seq < ?1 AND letter.seq >= ?2 AND ${fits}`;
  return sql.tuple(select, before, floor, ...filterOf(filter), run.seq, address) !== undefined;
}

interface LetterRow {
  readonly seq: number;
  readonly runSeq: number;
  readonly run: string;
  readonly step: string;
  readonly workflow: string;
  readonly version: string;
  readonly task: string;
  readonly queue: string;
  readonly reason: StepReason;
  readonly tries: number;
  readonly lost: number;
  readonly spec: string;
}

const columns =
  "letter.seq, letter.run AS runSeq, runs.id AS run, letter.address AS step, runs.name AS workflow, runs.plan AS version, " +
  "task, letter.queue, letter.reason, steps.tries, steps.lost, steps.spec";

function recordOf(sql: Sql, { seq, runSeq, spec, ...rest }: LetterRow): DeadLetterRecord {
  const { step } = rest;
  const error = sql.tuple("SELECT text FROM vals WHERE run = ? AND key = ?", runSeq, errorKey(step))?.[0];
  const edited = unpackSpec(step, spec).reads.includes(valueKey.edited(step));
  return { ...rest, error: (error as string | undefined) ?? undefined, diedAtMs: diedAtMsOf(seq), edited };
}

/** Newest first. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export function listDeadLetters(
  sql: Sql,
  query: DeadLetterQuery,
): { letters: DeadLetterRecord[]; next?: string } {
  const span = letterSpan(query, STORE);
  const { floor } = span;
  let { before } = span;
  const from = "FROM dead_letters WHERE seq < ?1 AND seq >= ?2 ORDER BY seq DESC";
  const select = `SELECT ${columns} FROM (SELECT * ${from} LIMIT ${WINDOW}) AS letter ${joined} WHERE ${fits} ORDER BY letter.seq DESC LIMIT ?8`;
  const last = `SELECT seq ${from} LIMIT 1 OFFSET ${WINDOW - 1}`;
  const letters: DeadLetterRecord[] = [];
  for (let examined = 0; examined < EXAMINED_LIMIT; examined += WINDOW) {
    const room = query.limit - letters.length;
    const rows = sql.all<LetterRow>(select, before, floor, ...filterOf(query), room);
    for (const row of rows) letters.push(recordOf(sql, row));
    if (rows.length === room) return { letters, next: runCursor((rows.at(-1) as LetterRow).seq, STORE) };
    // Where the window is not full, there is nothing behind it.
    const windowEnd = sql.tuple(last, before, floor);
    if (!windowEnd) return { letters };
    before = windowEnd[0] as number;
  }
  return { letters, next: runCursor(before, STORE) };
}

export function getDeadLetter(sql: Sql, run: string, step: string): DeadLetterRecord | undefined {
  const select = `SELECT ${columns} FROM dead_letters AS letter ${joined} WHERE letter.run = (SELECT seq FROM runs WHERE id = ?) AND letter.address = ?`;
  const row = sql.get<LetterRow>(select, run, step);
  return row && recordOf(sql, row);
}

/** How many letters each task has. */
export function countDeadLetters(sql: Sql): DeadLetterCount[] {
  const select =
    "SELECT substr(shelf, 6), n FROM tallies WHERE shelf >= 'dead:' AND shelf < 'dead;' AND n > 0";
  return sql
    .tuples(`${select} ORDER BY 1`)
    .map(([task, n]) => ({ task: task as string, letters: n as number }));
}

/** Forgets some letters by hand; answers how many there were. */
export function purgeDeadLetters(unit: Unit, letters: readonly DeadLetterRef[]): number {
  const rows = letters.flatMap(({ run: id, step }) => {
    const run = unit.runById(id);
    if (!run || run.purged) return [];
    const row = unit.sql.tuple(
      "SELECT seq, run, task FROM dead_letters WHERE run = ? AND address = ?",
      run.seq,
      step,
    );
    return row ? [row as Row] : [];
  });
  return forget(unit, rows);
}

type Row = [seq: number, run: number, task: string];

/** Deletes letters beyond their retention, oldest first; answers how many. */
export function trimLetters(unit: Unit, { ageMs, count }: RetentionRule, limit: number): number {
  const { sql, now } = unit;
  const select = "SELECT seq, run, task FROM dead_letters WHERE seq < ? ORDER BY seq LIMIT ?";
  const old = sql.tuples(select, (now - ageMs + 1) * NUMBERS_PER_MS, limit) as Row[];
  const trimmed = forget(unit, old);
  unit.ledger.flush();
  const tallied = "SELECT coalesce(sum(n), 0) FROM tallies WHERE shelf >= 'dead:' AND shelf < 'dead;'";
  const excess = Math.min(limit - trimmed, (sql.tuple(tallied)?.[0] as number) - count);
  if (excess <= 0) return trimmed;
  return trimmed + forget(unit, sql.tuples(select, Number.MAX_SAFE_INTEGER, excess) as Row[]);
}

/** Deletes the letters of a run that goes; answers how many. */
export function deleteLettersOf(unit: Unit, run: number, limit: number): number {
  return forget(
    unit,
    unit.sql.tuples("SELECT seq, run, task FROM dead_letters WHERE run = ? LIMIT ?", run, limit) as Row[],
  );
}

/** True for a run that has letters. */
export function hasLetters({ sql }: Unit, run: number): boolean {
  return sql.tuple("SELECT 1 FROM dead_letters WHERE run = ? LIMIT 1", run) !== undefined;
}

function forget(unit: Unit, rows: readonly Row[]): number {
  let gone = 0;
  for (const [seq, , task] of rows) {
    const n = unit.sql.run("DELETE FROM dead_letters WHERE seq = ?", seq);
    if (n > 0) unit.ledger.tally(TALLY + task, -n);
    gone += n;
  }
  for (const run of new Set(rows.map(([, run]) => run))) if (!hasLetters(unit, run)) letGo(unit, run);
  return gone;
}

/** A run that only its letters kept goes with the last of them. */
function letGo(unit: Unit, run: number): void {
  const { sql, now } = unit;
  const ended = sql.tuple("SELECT ended FROM runs WHERE seq = ?", run)?.[0] ?? null;
  if (ended === null || !unlistLettered(unit, run, ended as number)) return;
  const known = unit.run(run) as Run;
  known.purged = 1;
  known.dirty = true;
  shelve(unit, "purging", now, run);
}

/** Takes a run from among those that only their letters keep. */
export function unlistLettered({ sql }: Unit, run: number, ended: number): boolean {
  return sql.run("DELETE FROM shelves WHERE shelf = ? AND at = ? AND run = ?", LETTERED, ended, run) > 0;
}
