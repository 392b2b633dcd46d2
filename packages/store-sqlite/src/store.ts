import { setTimeout as sleep } from "node:timers/promises";
import {
  checkLimitEdit,
  checkQueueDefaults,
  checkQueueEdit,
  checkRoleEdit,
  editorOf,
  type Lease,
  type LogQuery,
  noLog,
  OBLITERATE_LIMIT,
  PURGE_LIMIT,
  roleUnknown,
  type Store,
} from "@jobbers/core";
import { dueBlobs, forgetBlobs, noteBlobs } from "./blobs.js";
import { cancel } from "./cancel.js";
import { check } from "./check.js";
import type { Place } from "./connection.js";
import { MEMORY } from "./connection.js";
import { countDeadLetters, getDeadLetter, listDeadLetters, purgeDeadLetters } from "./dead-letters.js";
import { diagnose } from "./diagnose.js";
import type { Sql } from "./driver.js";
import { readDurations } from "./durations.js";
import { lastEvent, readEvents } from "./events.js";
import { exchange, nextDue } from "./exchange.js";
import { expand } from "./expand.js";
import { faultOf, isBusy, noReplica } from "./faults.js";
import { closedError, createGroup } from "./group.js";
import { listAttempts } from "./history.js";
import { listLimits, setLimit } from "./limit-edits.js";
import { readLimit, throttle } from "./limit-usage.js";
import { createListening } from "./listen.js";
import { listRuns } from "./listing.js";
import { appendLogs, readLogs } from "./logs.js";
import { obliterate } from "./obliterate.js";
import { getPlan } from "./plans.js";
import { promoteDue } from "./promote.js";
import { purge } from "./purge.js";
import { listQueues } from "./queues.js";
import { reapSessions } from "./reap.js";
import { findRegistration, listRegistrations, listVersions } from "./registrations.js";
import { retry } from "./retry.js";
import { deleteRole, getRole, listRoles, readRoleUsage, setRole } from "./roles.js";
import { getRun, headOf } from "./runs.js";
import {
  announce,
  closePart,
  isOpen,
  knownSession,
  listHeld,
  listWorkers,
  openSession,
  RETURN_LIMIT,
  release,
  renew,
  renewalWeight,
  serve,
} from "./session.js";
import { declareQueues, setQueue } from "./steering.js";
import { countSteps, getStep, listSteps } from "./steps.js";
import { chunksOf, submit, weightOf } from "./submit.js";
import { type Memory, Turn } from "./turn.js";
import { Unit } from "./unit.js";
import { getValue } from "./values.js";
import { whereIs } from "./where-is.js";

/** How often a look into a locked file is repeated, after 1, 2, 3 … ms. */
const READ_TRIES = 100;

export interface StoreParts {
  readonly sql: Sql;
  readonly place: Place;
  readonly clock: () => number;
  readonly eventsKept: number;
  readonly sessionsExpire: boolean;
}

/** Puts the verbs together to a store. */
export function createStore({
  sql,
  place: { url, path },
  clock,
  eventsKept,
  sessionsExpire,
}: StoreParts): Store {
  const memory: Memory = { lines: new Map(), sessions: new Map(), eventsKept, eventsSinceTrim: 0 };
  const soonest = () => nextDue(sql) ?? Number.POSITIVE_INFINITY;
  const listening = createListening({ sql, isShared: path !== MEMORY, nextDue: soonest, clock });
  const { mutate, close } = createGroup({ sql, url, memory, clock, onCommit: listening.committed });
  let isClosed = false;
  /** A look into the tables, outside of any transaction. */
  const look = async <T>(read: () => T): Promise<T> => {
    for (let tries = 1; ; tries++) {
      if (isClosed) throw closedError(url);
      try {
        return read();
      } catch (error) {
        // Readers wait for nobody but a process that opens or closes the file.
        if (!isBusy(error) || tries === READ_TRIES) throw faultOf(error, url);
      }
      await sleep(tries);
    }
  };
  const nowOf = () => new Turn(sql, memory, clock()).now;
  /** A look into the parts of a run that is there. */
  const lookInto = <T>(run: string, read: (head: NonNullable<ReturnType<typeof headOf>>) => T, none: T) =>
    look(() => {
      const head = headOf(sql, run);
      return head ? read(head) : none;
    });

  const readLog = (run: string, query: LogQuery) =>
    atOneInstant(sql, () => {
      const head = headOf(sql, run);
      return head ? readLogs(sql, head.seq, query) : noLog(query);
    });

  return {
    url,
    renewal: path === MEMORY ? undefined : { module: renewerModule(), data: { url, path, eventsKept } },
    async submit(batch, { durability } = {}) {
      if (isClosed) throw closedError(url);
      if (durability === "replica") throw noReplica(url);
      const chunks = chunksOf(batch).map((chunk) => {
        const weight = chunk.reduce((sum, each) => sum + weightOf(each), 0);
        return mutate(weight, (unit) => submit(unit, chunk));
      });
      return (await Promise.all(chunks)).flat();
    },
    noteBlobs: (runs) => mutate(runs.length, (unit) => noteBlobs(unit, runs)),
    cancel: (run) => mutate(10, (unit) => cancel(unit, run)),
    async retry(run, options) {
      // What this call began another may complete.
      for (let hasBegun = false; ; ) {
        const { result, more } = await mutate(RETURN_LIMIT, (unit) => retry(unit, run, options));
        hasBegun ||= result.status === "retried";
        if (!more) return hasBegun ? { status: "retried" } : result;
      }
    },
    async purgeDeadLetters(letters) {
      const few = letters.slice(0, PURGE_LIMIT);
      return await mutate(few.length, (unit) => purgeDeadLetters(unit, few));
    },
    async declareQueues(defaults) {
      const checked = checkQueueDefaults(defaults);
      await mutate(checked.length, (unit) => declareQueues(unit, checked));
    },
    async setQueue(name, edit, by) {
      const checked = checkQueueEdit(name, edit);
      return await mutate(1, (unit) => setQueue(unit, name, checked, editorOf(by)));
    },
    obliterateQueue: (name, obliteration) =>
      mutate(OBLITERATE_LIMIT, (unit) => obliterate(unit, name, obliteration)),
    async setRole(name, edit, by) {
      const checked = checkRoleEdit(name, edit);
      const edited = await mutate(1, (unit) => setRole(unit, name, checked, editorOf(by)));
      if (!edited) throw roleUnknown(name);
      return edited;
    },
    deleteRole: (name, by) => mutate(1, (unit) => deleteRole(unit, name, editorOf(by))),
    getRole: (name) => look(() => getRole(sql, name)),
    listRoles: () => look(() => listRoles(sql)),
    readRoleUsage: (name) => look(() => readRoleUsage(sql, name)),
    serve: (session, serving) => mutate(1, (unit) => serve(unit, session, serving)),
    openSession: (opening) =>
      mutate(10, (unit) =>
        openSession(unit, opening, sessionsExpire ? opening.leaseMs : Number.POSITIVE_INFINITY),
      ),
    async exchange(call) {
      const reply = await mutate(call.reports.length + call.wants.slots, (unit) => exchange(unit, call));
      if (!isClosed) listening.passOn();
      return reply;
    },
    expand: (expansion) => mutate(expansion.items.length, (unit) => expand(unit, expansion)),
    renew: (session, vitals) => mutate(renewalWeight(vitals), (unit) => renew(unit, session, vitals)),
    announce: (session, start) => mutate(1, (unit) => announce(unit, session, start)),
    appendLogs: (parts) => mutate(parts.length, (unit) => appendLogs(unit, parts)),
    release: (_session, leases) =>
      releaseAll(leases, (part) => mutate(part.length, (unit) => release(unit, part))),
    async closeSession(session) {
      while (await mutate(RETURN_LIMIT, (unit) => closePart(unit, session)));
    },
    listHeld: (session) => look(() => listHeld(sql, session)),
    async listen(session, wait) {
      const known = await look(() => isOpen(sql, session) && knownSession(sql, memory.sessions, session));
      if (known) await listening.listen(known, wait);
    },
    throttle: (throttling) => mutate(10, (unit) => throttle(unit, throttling)),
    async setLimit(name, edit) {
      const checked = checkLimitEdit(name, edit);
      return await mutate(10, (unit) => setLimit(unit, name, checked));
    },
    listLimits: () => look(() => listLimits(sql)),
    readLimit: (name, key) => look(() => atOneInstant(sql, () => readLimit(sql, nowOf(), name, key))),
    promoteDue: (limit) => mutate(limit, (unit) => promoteDue(unit, limit)),
    reapSessions: (sweep) => mutate(sweep.limit, (unit) => reapSessions(unit, sweep)),
    purge: (retention, limit) => mutate(limit, (unit) => purge(unit, retention, limit)),
    dueBlobs: (limit) => mutate(limit, (unit) => dueBlobs(unit, limit)),
    forgetBlobs: (runs) => mutate(runs.length, (unit) => forgetBlobs(unit, runs)),
    getRun: (run) => look(() => getRun(sql, run)),
    listRuns: (query) => look(() => listRuns(sql, query)),
    listDeadLetters: (query) => look(() => listDeadLetters(sql, query)),
    getDeadLetter: (run, step) => look(() => getDeadLetter(sql, run, step)),
    countDeadLetters: () => look(() => countDeadLetters(sql)),
    getStep: (run, address) => lookInto(run, (head) => getStep(sql, head, address), undefined),
    listSteps: (run, query) => lookInto(run, (head) => listSteps(sql, head, query), { steps: [] }),
    countSteps: (run) => lookInto(run, (head) => countSteps(sql, head), []),
    whereIs: (run, address) => look(() => atOneInstant(sql, () => whereIs(sql, clock(), run, address))),
    listAttempts: (run, address) => lookInto(run, (head) => listAttempts(sql, head.seq, address), []),
    readLogs: (run, query) => look(() => readLog(run, query)),
    readValues: (run, keys) =>
      look(() => {
        const head = headOf(sql, run);
        const textOf = (key: string) => (head ? getValue(sql, head, key) : null);
        return Object.fromEntries(keys.map((key) => [key, textOf(key)]));
      }),
    getPlan: (hash) => look(() => getPlan(sql, hash)),
    findRegistration: (name, plan) => look(() => findRegistration(sql, name, plan)),
    listRegistrations: () => look(() => listRegistrations(sql)),
    listVersions: (name) => look(() => listVersions(sql, name)),
    listQueues: () => look(() => listQueues(sql)),
    listWorkers: (query) => look(() => listWorkers(sql, query)),
    readDurations: (tasks) => look(() => readDurations(sql, tasks)),
    readTime: () => look(nowOf),
    readEvents: (after, limit) => look(() => readEvents(sql, after, limit)),
    lastEvent: () => look(() => lastEvent(sql)),
    async awaitEvents(after, wait) {
      await look(() => undefined);
      await listening.awaitEvents(after, wait);
    },
    diagnose: () => look(() => diagnose(sql, { url, path })),
    check: (request) =>
      request.repair
        ? mutate(request.limit, (unit) => check(unit, request))
        : look(() => atOneInstant(sql, () => check(new Unit(sql, new Turn(sql, memory, clock())), request))),
    async close() {
      if (isClosed) return;
      isClosed = true;
      listening.close();
      await close();
      sql.database.close();
    },
  };
}

/** A look of several statements, of which others' commits change nothing. */
function atOneInstant<T>(sql: Sql, read: () => T): T {
  sql.run("BEGIN");
  try {
    return read();
  } finally {
    sql.run("ROLLBACK");
  }
}

/** Gives leases back, a transaction's worth at a time. */
async function releaseAll(
  leases: readonly Lease[],
  releasePart: (part: readonly Lease[]) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < leases.length; i += RETURN_LIMIT) await releasePart(leases.slice(i, i + RETURN_LIMIT));
}

/** The module beside this one: built, or under test in its source. */
function renewerModule(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./renewer.${extension}`, import.meta.url).href;
}
