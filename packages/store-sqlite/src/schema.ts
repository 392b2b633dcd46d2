import { JobbersError } from "@jobbers/core";
import type { Sql } from "./driver.js";

/** The layout that this version reads and writes. */
export const SCHEMA_VERSION = 2;

/** Marks a file as ours in SQLite's own header: "JOBB". */
export const APPLICATION_ID = 0x4a4f4242;

/**
 * The tables. Steps and everything below a run are found by the run's number `seq`, which never comes back. Small values stand
 * in the record that they belong to (`runs.input`, `steps.output`), larger ones in `vals`.
 */
const tables = `
CREATE TABLE jobbers (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- The last instant that was seen, and the number that orders runs, ready steps and timers.
CREATE TABLE clock (id INTEGER PRIMARY KEY, ms INTEGER NOT NULL, seq INTEGER NOT NULL);
-- "about" is what was registered with a plan beyond its text, as JSON.
CREATE TABLE plans (hash TEXT PRIMARY KEY, runs INTEGER NOT NULL, text TEXT NOT NULL, about TEXT);
-- The newest version of each name, and all that were, in the order of "seq".
CREATE TABLE registrations (name TEXT PRIMARY KEY, kind TEXT NOT NULL, plan TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE versions (
  name TEXT NOT NULL, plan TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (name, plan)
) WITHOUT ROWID;
-- "claim" is the key that the run was submitted with, and the run that replaced it, as JSON: see claims.ts.
-- "cancelling" is 1 where somebody cancels the run, 2 where its deadline (in ms from its submission) has passed. "fences" is where those of
-- new steps begin: above all that a rerun has taken away. A run that is running, and has an instant at which it ended, is being prepared for a rerun.
CREATE TABLE runs (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL, plan TEXT NOT NULL,
  fingerprint TEXT NOT NULL, mode TEXT NOT NULL, priority INTEGER NOT NULL, tags TEXT NOT NULL, traceparent TEXT, keep REAL,
  created INTEGER NOT NULL, purged INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL, cancelling INTEGER NOT NULL DEFAULT 0, stopped INTEGER NOT NULL DEFAULT 0,
  started INTEGER, ended INTEGER, deadline INTEGER, held INTEGER NOT NULL DEFAULT 0,
  members INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  halted INTEGER NOT NULL DEFAULT 0, epilogue TEXT NOT NULL, input TEXT, claim TEXT, fences INTEGER NOT NULL DEFAULT 0
);
-- Those that are looked for by their state; what just runs and succeeds is never entered.
CREATE INDEX runs_by_state ON runs (state, seq) WHERE state = 'scheduled' OR state = 'failed' OR state = 'cancelled';
-- Which run holds a key: until the instant "until", or, where that is NULL, as long as it is scheduled ("begin") or has not ended ("end").
-- "first" is when the first of those that replaced each other was submitted, "state" how the run ended, once it is forgotten.
CREATE TABLE claims (
  scope TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, run INTEGER NOT NULL, id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  kept TEXT NOT NULL, until INTEGER, first INTEGER NOT NULL, state TEXT, PRIMARY KEY (scope, name, key)
) WITHOUT ROWID;
CREATE INDEX claims_by_run ON claims (run);
CREATE INDEX claims_by_until ON claims (until) WHERE until IS NOT NULL;
-- "near" is the worker that a sticky step sticks to: see sticky.ts.
CREATE TABLE steps (
  run INTEGER NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL, reason TEXT,
  fence INTEGER NOT NULL, tries INTEGER NOT NULL, lost INTEGER NOT NULL, session INTEGER, worker TEXT,
  seq INTEGER NOT NULL, ready INTEGER, started INTEGER, ended INTEGER, due INTEGER,
  marks TEXT, rescued INTEGER NOT NULL, cursor INTEGER NOT NULL, spec TEXT NOT NULL, output TEXT,
  limits TEXT, near TEXT, PRIMARY KEY (run, address)
) WITHOUT ROWID;
-- The bodies of maps and inlined dags; the run's own stands in its row.
CREATE TABLE bodies (
  run INTEGER NOT NULL, address TEXT NOT NULL, count INTEGER, members INTEGER NOT NULL, settled INTEGER NOT NULL,
  failed INTEGER NOT NULL, halted INTEGER NOT NULL, epilogue TEXT NOT NULL, PRIMARY KEY (run, address)
) WITHOUT ROWID;
CREATE TABLE vals (run INTEGER NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE attempts (
  run INTEGER NOT NULL, address TEXT NOT NULL, fence INTEGER NOT NULL, reason TEXT NOT NULL, worker TEXT,
  started INTEGER NOT NULL, ended INTEGER NOT NULL, error TEXT, PRIMARY KEY (run, address, fence, reason)
) WITHOUT ROWID;
-- What attempts have logged, in parts as they came; and of each step how much of it there is, what was dropped, and the last line of each
-- of its newest attempts, as JSON.
CREATE TABLE logs (
  run INTEGER NOT NULL, seq INTEGER NOT NULL, address TEXT NOT NULL, fence INTEGER NOT NULL, at INTEGER NOT NULL,
  first INTEGER NOT NULL, lines INTEGER NOT NULL, bytes INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE INDEX logs_by_step ON logs (run, address, seq);
CREATE TABLE logged (
  run INTEGER NOT NULL, address TEXT NOT NULL, lines INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL,
  seen TEXT NOT NULL, PRIMARY KEY (run, address)
) WITHOUT ROWID;
-- Steps that failed for good, numbered by time: see core's dead-letters.ts. "tallies" counts them by task, as dead:TASK.
CREATE TABLE dead_letters (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, address TEXT NOT NULL, task TEXT NOT NULL, queue TEXT NOT NULL,
  reason TEXT NOT NULL, UNIQUE (run, address)
);
-- Progress of the steps inside maps, by plan name; that of all others is read from their records.
CREATE TABLE counts (
  run INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (run, name, state)
) WITHOUT ROWID;
-- "limits" are those that its steps stand under, as JSON, or "". Such a line is gone when it is empty; it is "parked" on a limit (name and
-- key, a line feed between), or open. "turn" is when it was served last, or made; "tenant" whose turn its steps take, or "".
-- Where there is a "worker", its sticky steps stand in it, for "within" ms; what has done so since "due" goes to the line of all. Such a line is
-- gone when it is empty, too.
CREATE TABLE lines (
  id INTEGER PRIMARY KEY, queue TEXT NOT NULL, priority INTEGER NOT NULL, needs TEXT NOT NULL, limits TEXT NOT NULL DEFAULT '',
  tenant TEXT NOT NULL DEFAULT '', depth INTEGER NOT NULL, parked TEXT, turn INTEGER NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '', within INTEGER NOT NULL DEFAULT 0, due INTEGER,
  UNIQUE (queue, priority, needs, limits, worker, within)
);
CREATE INDEX lines_open ON lines (queue, priority, turn) WHERE limits <> '' AND tenant = '' AND parked IS NULL;
CREATE INDEX lines_of_tenants ON lines (queue, priority, needs, tenant, turn) WHERE tenant <> '' AND parked IS NULL;
CREATE INDEX lines_parked ON lines (parked, turn) WHERE parked IS NOT NULL;
CREATE INDEX lines_due ON lines (due) WHERE due IS NOT NULL;
CREATE INDEX lines_near ON lines (worker) WHERE worker <> '';
-- Fairness (see tenants.ts): the tenants with open lines, by what those need, with their tags; the tags of all that had anything lately,
-- whose "" is all steps without a tenant; and where the virtual time is.
CREATE TABLE tenants (
  queue TEXT NOT NULL, priority INTEGER NOT NULL, needs TEXT NOT NULL, tenant TEXT NOT NULL, tag REAL NOT NULL,
  PRIMARY KEY (queue, priority, tenant, needs)
) WITHOUT ROWID;
CREATE INDEX tenants_by_tag ON tenants (queue, priority, needs, tag);
CREATE TABLE tags (
  queue TEXT NOT NULL, priority INTEGER NOT NULL, tenant TEXT NOT NULL, tag REAL NOT NULL, PRIMARY KEY (queue, priority, tenant)
) WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (queue, priority, tag);
CREATE TABLE rings (
  queue TEXT NOT NULL, priority INTEGER NOT NULL, needs TEXT NOT NULL, time REAL NOT NULL, turn INTEGER NOT NULL,
  PRIMARY KEY (queue, priority, needs)
) WITHOUT ROWID;
-- Which limits hold for a task, a "@queue", or a "task@queue"; "made" is code (a registration's or a queue's) or edit. Of a keyed one a step's own code says the key.
CREATE TABLE rules (
  target TEXT NOT NULL, name TEXT NOT NULL, made TEXT NOT NULL, keyed INTEGER NOT NULL, cost REAL NOT NULL, PRIMARY KEY (target, name)
) WITHOUT ROWID;
-- "code" and "edit" are settings as JSON; "edit" may be "off"; "changed" is since when they say so.
CREATE TABLE limits (name TEXT PRIMARY KEY, kind TEXT NOT NULL, code TEXT, edit TEXT, changed INTEGER) WITHOUT ROWID;
-- What each key of a rate has let through: see core's bucket.ts. From "gone" on it says nothing any more.
CREATE TABLE buckets (
  name TEXT NOT NULL, key TEXT NOT NULL, paid REAL NOT NULL, pace REAL, until INTEGER, share REAL, whole INTEGER, gone INTEGER NOT NULL,
  PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE INDEX buckets_gone ON buckets (gone);
-- Who has the slots of limits on attempts at once.
CREATE TABLE slots (
  name TEXT NOT NULL, key TEXT NOT NULL, run INTEGER NOT NULL, address TEXT NOT NULL, session INTEGER NOT NULL,
  PRIMARY KEY (name, key, run, address)
) WITHOUT ROWID;
CREATE INDEX slots_by_step ON slots (run, address);
-- When a limit looks again at the lines that are parked on it.
CREATE TABLE wakes (name TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE INDEX wakes_due ON wakes (due);
CREATE TABLE ready (
  line INTEGER NOT NULL, seq INTEGER NOT NULL, run INTEGER NOT NULL, address TEXT NOT NULL, PRIMARY KEY (line, seq)
) WITHOUT ROWID;
CREATE TABLE queues (name TEXT PRIMARY KEY, running INTEGER NOT NULL) WITHOUT ROWID;
-- How queues are set. "code" and "edit" are what each says of the policy, as JSON; who edited last, and when; whether its
-- priorities are weighted.
CREATE TABLE queue_settings (
  name TEXT PRIMARY KEY, paused INTEGER NOT NULL, draining INTEGER NOT NULL, code TEXT NOT NULL, edit TEXT NOT NULL,
  version INTEGER NOT NULL, editor TEXT, edited INTEGER, weighted INTEGER NOT NULL
) WITHOUT ROWID;
-- Queues with ready steps and nobody who serves them: since when, and whether that was told.
CREATE TABLE orphans (queue TEXT PRIMARY KEY, since INTEGER NOT NULL, told INTEGER NOT NULL) WITHOUT ROWID;
-- Of a weighted queue, how far each of its priorities is ahead of the others, from 0 on, as JSON: see core's fair-share.ts.
CREATE TABLE levels (queue TEXT PRIMARY KEY, ahead TEXT NOT NULL) WITHOUT ROWID;
-- The newest edits of each role, as JSON: see core's roles.ts; and how many steps at once the newest lets it run.
CREATE TABLE roles (name TEXT PRIMARY KEY, versions TEXT NOT NULL, concurrency INTEGER) WITHOUT ROWID;
CREATE INDEX roles_capped ON roles (concurrency) WHERE concurrency IS NOT NULL;
CREATE INDEX queues_steered ON queue_settings (name) WHERE paused = 1 OR weighted = 1;
-- No address: a scheduled run, or a retry by hand that takes several calls. "!": a run's deadline.
CREATE TABLE timers (
  due INTEGER NOT NULL, seq INTEGER NOT NULL, run INTEGER NOT NULL, address TEXT NOT NULL, PRIMARY KEY (due, seq)
) WITHOUT ROWID;
-- "rotated" is how often it asked for several queues of which some are weighted. From "told" on, what its worker tells with renewals: the number of its last bulletin, when that was, the rest as it was then.
CREATE TABLE sessions (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, worker TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, birth TEXT,
  serves TEXT NOT NULL, queues TEXT NOT NULL, role TEXT, opened INTEGER NOT NULL, lease REAL NOT NULL, expires REAL NOT NULL,
  suspect INTEGER, state TEXT NOT NULL, ended INTEGER,
  announced INTEGER NOT NULL DEFAULT 0, rotated INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0, heard INTEGER, lag INTEGER, slots INTEGER, running INTEGER,
  waiting INTEGER
);
CREATE INDEX sessions_by_host ON sessions (host) WHERE state = 'open';
CREATE INDEX sessions_by_worker ON sessions (worker) WHERE state = 'open';
CREATE INDEX sessions_by_role ON sessions (role) WHERE role IS NOT NULL AND state <> 'over';
CREATE TABLE lanes (
  session INTEGER NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL, reply TEXT NOT NULL, PRIMARY KEY (session, lane)
) WITHOUT ROWID;
-- With each lease whether it is on control work, and the newest progress of its step, which ends with it: "at" and "progress" are JSON.
CREATE TABLE held (
  session INTEGER NOT NULL, run INTEGER NOT NULL, address TEXT NOT NULL, control INTEGER NOT NULL DEFAULT 0,
  heard INTEGER, since INTEGER, at TEXT, progress TEXT, PRIMARY KEY (session, run, address)
) WITHOUT ROWID;
CREATE TABLE mail (
  session INTEGER NOT NULL, run INTEGER NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (session, run)
) WITHOUT ROWID;
-- Where "run" is 0, "step" is the name of a worker or a queue.
CREATE TABLE events (
  cursor INTEGER PRIMARY KEY, at INTEGER NOT NULL, run INTEGER NOT NULL, type TEXT NOT NULL, step TEXT, detail TEXT
);
-- Ended runs in the order in which they go, by shelf: an outcome, kept (for a time of their own), lettered
-- (only their dead letters keep them), purging, forget.
CREATE TABLE shelves (
  shelf TEXT NOT NULL, at REAL NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (shelf, at, run)
) WITHOUT ROWID;
-- How long successful attempts of each task took lately: see core's durations.ts.
CREATE TABLE durations (task TEXT PRIMARY KEY, counts TEXT NOT NULL) WITHOUT ROWID;
-- Runs of which blobs may have been written, and when it is next looked whether they are to go.
CREATE TABLE blobs (run TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX blobs_by_time ON blobs (due);
CREATE TABLE tallies (shelf TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Makes the tables, unless another process did so first. To be called within a transaction. */
export function createSchema(sql: Sql, url: string): void {
  const { database } = sql;
  if (checkSchema(sql, url) === "ours") return;
  database.exec(tables);
  sql.run("INSERT INTO jobbers (key, value) VALUES ('schema', ?)", SCHEMA_VERSION);
  sql.run("INSERT INTO clock (id, ms, seq) VALUES (1, 0, 0)");
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

/** Says whether a database is ours or has yet to be made; refuses what is neither. Writes nothing. */
export function checkSchema(sql: Sql, url: string): "ours" | "empty" {
  const { database } = sql;
  const { application_id } = database.prepare("PRAGMA application_id").get() as { application_id: number };
  if (application_id !== APPLICATION_ID) {
    const stranger = database.prepare("SELECT name FROM sqlite_schema LIMIT 1").get() as
      | { name: string }
      | undefined;
    if (!stranger && application_id === 0) return "empty";
    throw foreign(url, stranger ? `it has a table "${stranger.name}"` : "it belongs to another program");
  }
  const found = database.prepare("SELECT value FROM jobbers WHERE key = 'schema'").get() as { value: number };
  if (found.value > SCHEMA_VERSION) {
    throw new JobbersError(
      "store-too-new",
      `${url} has schema ${found.value}, this Jobbers knows up to ${SCHEMA_VERSION}; upgrade this process`,
    );
  }
  if (found.value < SCHEMA_VERSION) {
    throw new JobbersError(
      "store-too-old",
      `${url} has schema ${found.value}, this Jobbers reads and writes ${SCHEMA_VERSION}; begin with a new file`,
    );
  }
  return "ours";
}

/** The refusal of a database that is none of Jobbers'. */
export function foreign(url: string, why: string): JobbersError {
  return new JobbersError(
    "store-not-a-database",
    `${url} is not a Jobbers database: ${why}; give another path, or move the file away`,
  );
}
