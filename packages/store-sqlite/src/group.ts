import { JobbersError } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { faultOf, isBusy } from "./faults.js";
import { endCancelled } from "./run-end.js";
import { type Effects, type Memory, Turn } from "./turn.js";
import { Unit } from "./unit.js";

/**
 * Group commit. Verbs that are called in one turn of the event loop share one transaction, because each commit waits for the
 * disk: a verb of its own each would cap the store at the disk's number of syncs a second. Each verb has a savepoint, so that
 * one that fails undoes nothing of the others, and is answered only after COMMIT.
 */
export interface Group {
  /** Runs a verb in the next transaction. `weight` is about how many rows it will touch. */
  mutate<T>(weight: number, verb: (unit: Unit) => T): Promise<T>;
  /** Waits for what was called so far; calls after it reject. */
  close(): Promise<void>;
}

interface Call {
  readonly weight: number;
  readonly since: number;
  readonly verb: (unit: Unit) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupParts {
  readonly sql: Sql;
  readonly url: string;
  readonly memory: Memory;
  readonly clock: () => number;
  /** Called after each commit. */
  readonly onCommit: (effects: Effects) => void;
}

/** The rows that one transaction takes on, so that no other process waits for long. */
const TURN_WEIGHT = 1000;

/** How long a call waits for other processes that hold the lock. */
const BUSY_MS = 15_000;

export function createGroup(parts: GroupParts): Group {
  let waiting: Call[] = [];
  let scheduled = false;
  let closed = false;
  let pauseMs = 1;
  const idle: (() => void)[] = [];

  const schedule = (pause: number) => {
    scheduled = true;
    if (pause === 0) setImmediate(flush);
    else setTimeout(flush, pause);
  };
  const flush = () => {
    scheduled = false;
    const calls = takeCalls(waiting);
    if (calls.length === 0) return;
    try {
      perform(parts, calls);
      pauseMs = 1;
      waiting = waiting.slice(calls.length);
    } catch (error) {
      waiting = isBusy(error)
        ? waiting.filter((call) => !isOverdue(call, parts.url, error))
        : waiting.slice(calls.length);
      if (!isBusy(error)) for (const call of calls) call.reject(faultOf(error, parts.url));
      // Others hold the lock: try again soon, not all at the same moment.
      else pauseMs = Math.min(50, pauseMs * 2);
    }
    if (waiting.length > 0) schedule(pauseMs === 1 ? 0 : Math.random() * pauseMs + 1);
    else for (const done of idle.splice(0)) done();
  };

  return {
    mutate<T>(weight: number, verb: (unit: Unit) => T): Promise<T> {
      if (closed) return Promise.reject(closedError(parts.url));
      return new Promise<T>((resolve, reject) => {
        waiting.push({ weight, since: performance.now(), verb, resolve: resolve as Call["resolve"], reject });
        if (!scheduled) schedule(0);
      });
    },
    async close() {
      closed = true;
      if (waiting.length > 0) await new Promise<void>((done) => idle.push(done));
    },
  };
}

/** The error of a verb that is called on a closed store. */
export function closedError(url: string): JobbersError {
  return new JobbersError("store-closed", `the store ${url} is closed`);
}

function isOverdue(call: Call, url: string, error: unknown): boolean {
  if (performance.now() - call.since < BUSY_MS) return false;
  call.reject(faultOf(error, url));
  return true;
}

/** The calls that go into one transaction: always one, more as long as they are light. */
function takeCalls(waiting: readonly Call[]): Call[] {
  let weight = 0;
  const end = waiting.findIndex((call, i) => {
    weight += call.weight;
    return i > 0 && weight > TURN_WEIGHT;
  });
  return end === -1 ? [...waiting] : waiting.slice(0, end);
}

/** One transaction. Throws when it could not be begun or committed; then nothing of it happened. */
function perform({ sql, url, memory, clock, onCommit }: GroupParts, calls: readonly Call[]): void {
  const { database } = sql;
  sql.run("BEGIN IMMEDIATE");
  const settled: (() => void)[] = [];
  let turn: Turn;
  try {
    turn = new Turn(sql, memory, clock());
    for (const call of calls) settled.push(performCall(sql, url, turn, call));
    turn.end();
    sql.run("COMMIT");
  } catch (error) {
    // SQLite itself has rolled back where the disk is full or broken.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
  turn.committed();
  for (const settle of settled) settle();
  try {
    onCommit(turn.effects);
  } catch {
    // What is committed may not be performed again. Waking is a hint: who waits looks by itself after a while.
  }
}

/** Runs one call; what it answers is told after COMMIT. */
function performCall(sql: Sql, url: string, turn: Turn, call: Call): () => void {
  sql.run("SAVEPOINT call");
  try {
    const unit = new Unit(sql, turn);
    const value = call.verb(unit);
    endCancelled(unit);
    unit.flush();
    sql.run("RELEASE call");
    return () => call.resolve(value);
  } catch (error) {
    if (!sql.database.isTransaction) throw error;
    sql.run("ROLLBACK TO call");
    sql.run("RELEASE call");
    turn.newLines.clear();
    return () => call.reject(faultOf(error, url));
  }
}
