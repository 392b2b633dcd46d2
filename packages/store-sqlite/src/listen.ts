import type { Sql } from "./driver.js";
import { lastEvent } from "./events.js";
import { CONTROL } from "./ledger.js";
import { createPoll } from "./poll.js";
import { fullSessions } from "./role-room.js";
import { steeredQueues } from "./steering.js";
import type { Effects, KnownLine, KnownSession } from "./turn.js";
import { wait } from "./wait.js";

/**
 * Waking up those who wait. Within the process a commit says what has grown; of other processes' commits only `PRAGMA
 * data_version` tells, which one timer looks at while somebody waits: after 5 ms, and ever more seldom while nothing happens.
 */
export interface Listening {
  /** Waits for work or mail for a session. */
  listen(session: KnownSession, wait: ListenWait): Promise<void>;
  /** Waits for the feed to grow beyond a cursor. */
  awaitEvents(after: number, wait: Wait): Promise<void>;
  /** To be called after each commit of this connection. */
  committed(effects: Effects): void;
  /** Wakes up one more for what an exchange has left in the lines. */
  passOn(): void;
  /** Ends all waiting. */
  close(): void;
}

interface Wait {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface ListenWait extends Wait {
  readonly queues: readonly string[];
}

/** One who waits. */
interface Waiter {
  readonly wake: () => void;
}

interface Worker extends Waiter {
  readonly session: KnownSession;
  readonly queues: ReadonlySet<string>;
}

interface Reader extends Waiter {
  readonly after: number;
}

interface Line {
  readonly queue: string;
  readonly needs: string;
}

export interface ListeningParts {
  readonly sql: Sql;
  /** True when other connections may write too. */
  readonly isShared: boolean;
  /** When the next timer of the store is due, by its clock; `Infinity` when there is none. */
  readonly nextDue: () => number;
  readonly clock: () => number;
}

export function createListening({ sql, isShared, nextDue, clock }: ListeningParts): Listening {
  const workers = new Set<Worker>();
  const readers = new Set<Reader>();
  /** The timer that those who wait know of. */
  let knownDue = Number.POSITIVE_INFINITY;
  let closed = false;
  const wakeAll = (waiters: Iterable<Waiter>) => {
    for (const waiter of [...waiters]) waiter.wake();
  };
  /** Wakes up to `n` workers that may pop a line; who waits longest goes first. */
  const wakeFor = (line: Line, n: number) => {
    let left = n;
    const full = fullSessions(sql);
    for (const worker of workers) {
      if (left <= 0) return;
      if (!fits(worker, line, full)) continue;
      left--;
      worker.wake();
    }
  };
  const wakeByMail = (session: number) =>
    wakeAll([...workers].filter((worker) => worker.session.seq === session));
  const wakeReaders = () => {
    if (readers.size === 0) return;
    const last = lastEvent(sql);
    wakeAll([...readers].filter(({ after }) => last > after));
  };
  /** Of a timer before the known one a single worker is told: its exchange says when it is due, so that somebody looks then. */
  const wakeByTimer = () => {
    const [first] = workers;
    if (!first) return;
    const due = nextDue();
    const isNews = due < knownDue || (knownDue <= clock() && due !== knownDue);
    knownDue = due;
    if (isNews) first.wake();
  };
  const wakeForGrown = (grown: Effects["grown"]) => {
    if (workers.size === 0 || grown.size === 0) return;
    const { paused } = steeredQueues(sql);
    for (const [line, n] of grown) if (!paused.has(line.queue) && !isParked(sql, line)) wakeFor(line, n);
  };
  const wakeForOpen = () => {
    if (workers.size > 0) for (const line of openLines(sql)) wakeFor(line, line.depth);
  };
  const wakeByTables = () => {
    wakeForOpen();
    if (workers.size > 0) for (const session of newMail(sql)) wakeByMail(session);
    wakeByTimer();
    wakeReaders();
  };
  const poll = createPoll(sql, {
    isWanted: () => isShared && workers.size + readers.size > 0,
    onChange: wakeByTables,
  });

  return {
    async listen(session, { queues, timeoutMs, signal }) {
      if (signal.aborted || closed) return;
      poll.look();
      const worker = { session, queues: new Set(queues) };
      const full = fullSessions(sql);
      if (openLines(sql).some((line) => fits(worker, line, full)) || newMail(sql).includes(session.seq))
        return;
      knownDue = nextDue();
      const dueMs = Math.max(0, knownDue - clock());
      const waiting = wait(workers, worker, { timeoutMs: Math.min(timeoutMs, dueMs), signal });
      poll.start();
      await waiting;
    },
    async awaitEvents(after, { timeoutMs, signal }) {
      if (signal.aborted || closed) return;
      poll.look();
      if (lastEvent(sql) > after) return;
      const waiting = wait(readers, { after }, { timeoutMs, signal });
      poll.start();
      await waiting;
    },
    committed({ grown, mail, timers, opened, events }) {
      wakeForGrown(grown);
      if (opened) wakeForOpen();
      for (const session of mail) wakeByMail(session);
      if (timers) wakeByTimer();
      if (events) wakeReaders();
    },
    passOn() {
      if (workers.size > 0) for (const line of openLines(sql)) wakeFor(line, 1);
    },
    close() {
      closed = true;
      poll.stop();
      wakeAll(workers);
      wakeAll(readers);
    },
  };
}

/** Whether a worker may pop a line; of one whose role is full that is control work. */
function fits(
  { session, queues }: Omit<Worker, "wake">,
  { queue, needs }: Line,
  full: ReadonlySet<number>,
): boolean {
  const isFor = queue === CONTROL || (queues.has(queue) && !full.has(session.seq));
  return isFor && (needs === "" || session.serves.has(needs));
}

function openLines(sql: Sql): (Line & { readonly depth: number })[] {
  const plain = "SELECT queue, needs, depth FROM lines WHERE limits = '' AND depth > 0";
  const limited =
    "SELECT queue, needs, count(*) AS depth FROM lines WHERE limits <> '' AND parked IS NULL AND depth > 0 GROUP BY queue, needs";
  const lines = sql.all<Line & { readonly depth: number }>(`${plain} UNION ALL ${limited}`);
  const { paused } = steeredQueues(sql);
  return paused.size === 0 ? lines : lines.filter(({ queue }) => !paused.has(queue));
}

/** True for a line that nobody may pop, however long it has grown. */
function isParked(sql: Sql, { id, limits }: KnownLine): boolean {
  return (
    limits !== "" && sql.tuple("SELECT 1 FROM lines WHERE id = ? AND parked IS NOT NULL", id) !== undefined
  );
}

/** Sessions with mail that they have not been told of. */
function newMail(sql: Sql): number[] {
  return sql.tuples("SELECT DISTINCT session FROM mail WHERE told = 0").map(([session]) => session as number);
}
