import { randomUUID } from "node:crypto";
import type {
  Lease,
  Renewal,
  Serving,
  Session,
  SessionOpening,
  Vitals,
  WorkerQuery,
  WorkerRecord,
  WorkerStart,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { mailOf } from "./exchange.js";
import { insertEvent, NO_RUN } from "./feed.js";
import { registerLimits } from "./limit-edits.js";
import { register } from "./registrations.js";
import { giveBack, stepBehind } from "./report.js";
import type { KnownSession } from "./turn.js";
import type { Unit } from "./unit.js";
import { hear } from "./vitals.js";

/** `open`; `closing` and `lost` while its steps go back, at no cost or at that of a loss; `over` when it holds none. */
export type SessionState = "open" | "closing" | "lost" | "over";

/** How many leases one transaction gives back. */
export const RETURN_LIMIT = 500;

/** The most leases that `listHeld` answers. */
const HELD_LIMIT = 10_000;

/** How many sessions' tasks are remembered. */
const KNOWN_LIMIT = 1000;

export function openSession(unit: Unit, opening: SessionOpening, leaseMs: number): Session {
  const { sql, now } = unit;
  const id = randomUUID();
  for (const registration of opening.registers) register(unit, registration);
  for (const each of opening.limits ?? []) registerLimits(unit, each);
  sql.run(
    "INSERT INTO sessions (seq, id, worker, host, pid, birth, serves, queues, role, opened, lease, expires, state) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')",
    unit.turn.nextSeq(),
    id,
    opening.worker,
    opening.host,
    opening.pid,
    opening.birth ?? null,
    JSON.stringify(opening.serves),
    JSON.stringify(opening.queues),
    opening.role ?? null,
    now,
    leaseMs,
    now + leaseMs,
  );
  return { id, openedAtMs: now, ...(leaseMs !== opening.leaseMs && { leaseMs }) };
}

/** A session, and whether it lives: past its time it still does as long as nobody has found it lost. */
export function findSession(unit: Unit, id: string): { session: KnownSession; alive: boolean } | undefined {
  const state = stateOf(unit.sql, id);
  const session = state && knownSession(unit.sql, unit.turn.memory.sessions, id);
  return session && { session, alive: state === "open" };
}

function stateOf(sql: Sql, id: string): SessionState | undefined {
  const row = sql.tuple("SELECT state FROM sessions WHERE id = ?", id);
  return row && (row[0] as SessionState);
}

export function isOpen(sql: Sql, id: string): boolean {
  return stateOf(sql, id) === "open";
}

/** What a session serves, remembered between calls. */
export function knownSession(
  sql: Sql,
  memory: Map<string, KnownSession>,
  id: string,
): KnownSession | undefined {
  const known = memory.get(id);
  if (known) return known;
  const row = sql.tuple("SELECT seq, worker, serves FROM sessions WHERE id = ?", id) as
    | [number, string, string]
    | undefined;
  if (!row) return undefined;
  if (memory.size >= KNOWN_LIMIT) memory.clear();
  const session = { seq: row[0], worker: row[1], serves: new Set(JSON.parse(row[2]) as string[]) };
  memory.set(id, session);
  return session;
}

/** Counts once more that a session asks for several queues of which some are weighted; answers how often it has. */
export function rotate(sql: Sql, { seq }: KnownSession): number {
  const update = "UPDATE sessions SET rotated = rotated + 1 WHERE seq = ? RETURNING rotated";
  return (sql.tuple(update, seq) as [number])[0];
}

/** Prolongs a session. One that has expired, but whose steps nobody has taken back yet, lives on. */
export function renew(unit: Unit, id: string, vitals?: Vitals): Renewal {
  const { sql, now } = unit;
  const update = "UPDATE sessions SET expires = ? + lease, suspect = NULL WHERE id = ? AND state = 'open'";
  const session = sql.run(update, now, id) > 0 && knownSession(sql, unit.turn.memory.sessions, id);
  if (!session) return { status: "lost", held: 0, mail: [] };
  const [held] = sql.tuple("SELECT count(*) FROM held WHERE session = ?", session.seq) as [number];
  const stale = vitals ? hear(unit, session, vitals) : [];
  return { status: "alive", held, mail: mailOf(unit, session), ...(stale.length > 0 && { stale }) };
}

/** Says which queues a session serves from now on. */
export function serve({ sql, turn }: Unit, id: string, { queues, role }: Serving): void {
  // What it holds counts for another role from now on, so that there may be room.
  turn.effects.opened = true;
  const update = "UPDATE sessions SET queues = ?, role = ? WHERE id = ? AND state = 'open'";
  sql.run(update, JSON.stringify(queues), role ?? null, id);
}

/** Tells of a worker's start, the first time. */
export function announce(unit: Unit, id: string, start: Omit<WorkerStart, "session">): void {
  const { sql } = unit;
  const update = "UPDATE sessions SET announced = 1 WHERE id = ? AND state = 'open' AND announced = 0";
  const session = sql.run(update, id) > 0 && knownSession(sql, unit.turn.memory.sessions, id);
  if (session) insertEvent(unit, NO_RUN, "worker.started", session.worker, { session: id, ...start });
}

/** About how many rows a renewal touches. */
export function renewalWeight(vitals: Vitals | undefined): number {
  return 1 + (vitals?.bulletin?.beats.length ?? 0);
}

/** Gives steps back at no cost. */
export function release(unit: Unit, leases: readonly Lease[]): void {
  for (const lease of leases) {
    const step = stepBehind(unit, lease);
    if (step?.fence === lease.fence && step.session !== null) giveBack(unit, step);
  }
}

/** Ends a session and gives back a part of what it holds; true when there is more. */
export function closePart(unit: Unit, id: string): boolean {
  const { sql, now } = unit;
  sql.run("UPDATE sessions SET state = 'closing', ended = ? WHERE id = ? AND state = 'open'", now, id);
  const row = sql.tuple("SELECT seq FROM sessions WHERE id = ? AND state = 'closing'", id);
  if (!row) return false;
  const seq = row[0] as number;
  const rest = returnHeld(unit, seq, RETURN_LIMIT, giveBack);
  if (rest === 0) endSession(sql, seq);
  return rest > 0;
}

/** A session that holds nothing any more is over; its lanes are kept with it for a while, for calls that are repeated. */
export function endSession(sql: Sql, seq: number): void {
  sql.run("UPDATE sessions SET state = 'over' WHERE seq = ?", seq);
  sql.run("DELETE FROM mail WHERE session = ?", seq);
}

/** Does something with each step that a session holds, which has to end its lease; 1 when there are more than `limit`. */
export function returnHeld(
  unit: Unit,
  session: number,
  limit: number,
  act: (unit: Unit, step: NonNullable<ReturnType<typeof stepBehind>>) => void,
): 0 | 1 {
  const select = "SELECT run, address FROM held WHERE session = ? LIMIT ?";
  const rows = unit.sql.tuples(select, session, limit + 1) as [number, string][];
  for (const [runSeq, address] of rows.slice(0, limit)) {
    const run = unit.run(runSeq);
    const step = run && unit.step(run, address);
    if (step?.session === session) act(unit, step);
    else
      unit.sql.run(
        "DELETE FROM held WHERE session = ? AND run = ? AND address = ?",
        session,
        runSeq,
        address,
      );
  }
  return rows.length > limit ? 1 : 0;
}

export function listHeld(sql: Sql, id: string): Lease[] {
  const select =
    "SELECT runs.id AS run, held.address, fence FROM held JOIN runs ON runs.seq = held.run " +
    "JOIN steps ON steps.run = held.run AND steps.address = held.address " +
    "WHERE held.session = (SELECT seq FROM sessions WHERE id = ?) LIMIT ?";
  return sql.all<Lease>(select, id, HELD_LIMIT).map(({ run, address, fence }) => ({ run, address, fence }));
}

interface SessionRow {
  readonly id: string;
  readonly worker: string;
  readonly host: string;
  readonly pid: number;
  readonly birth: string | null;
  readonly queues: string;
  readonly role: string | null;
  readonly serves: string;
  readonly opened: number;
  readonly expires: number;
  readonly lease: number;
  readonly held: number;
  readonly heard: number | null;
  readonly lag: number | null;
  readonly slots: number | null;
  readonly running: number | null;
  readonly waiting: number | null;
}

/** The most sessions that `listWorkers` answers. */
const LISTED_LIMIT = 10_000;

export function listWorkers(sql: Sql, query?: WorkerQuery): WorkerRecord[] {
  const those = query ? " AND (host = ? OR worker IN (SELECT value FROM json_each(?)))" : "";
  const select =
    "SELECT id, worker, host, pid, birth, queues, role, serves, opened, expires, lease, heard, lag, slots, running, waiting, " +
    "(SELECT count(*) FROM held WHERE session = sessions.seq) AS held FROM sessions " +
    `WHERE state = 'open'${those} ORDER BY seq LIMIT ${LISTED_LIMIT}`;
  const wanted = query ? [query.host, JSON.stringify(query.workers)] : [];
  return sql.all<SessionRow>(select, ...wanted).map((row) => ({
    session: row.id,
    worker: row.worker,
    host: row.host,
    pid: row.pid,
    ...(row.birth !== null && { birth: row.birth }),
    queues: JSON.parse(row.queues) as string[],
    ...(row.role !== null && { role: row.role }),
    serves: JSON.parse(row.serves) as string[],
    openedAtMs: row.opened,
    expiresAtMs: row.expires,
    leaseMs: row.lease,
    held: row.held,
    ...(row.lag !== null && { lagMs: row.lag }),
    ...loadOf(row),
  }));
}

function loadOf({ heard, slots, running, waiting }: SessionRow) {
  if (heard === null || slots === null || running === null) return undefined;
  return {
    heardAtMs: heard,
    slots,
    running,
    waiting: waiting ?? undefined,
    free: Math.max(0, slots - running),
  };
}
