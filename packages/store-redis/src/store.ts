import { randomBytes, randomUUID } from "node:crypto";
import {
  checkLimitEdit,
  checkQueueDefaults,
  checkQueueEdit,
  checkRoleEdit,
  editorOf,
  type JsonValue,
  type Lease,
  PAGE_LIMIT,
  PURGE_LIMIT,
  roleUnknown,
  type Store,
  type Submission,
} from "@jobbers/core";
import type { Redis } from "ioredis";
import { dueBlobsScript, forgetBlobsScript, noteBlobsScript } from "./blobs.js";
import { cancelScript } from "./cancel.js";
import { createCheck } from "./check.js";
import { createConfirming } from "./confirm.js";
import type { Place } from "./connection.js";
import { countDeadLetters, getDeadLetter, listDeadLetters } from "./dead-letters.js";
import { diagnose } from "./diagnose.js";
import { readDurations } from "./durations.js";
import { lastEvent, readEvents } from "./events.js";
import { exchangeScript } from "./exchange.js";
import { expandScript } from "./expand.js";
import { closedError } from "./faults.js";
import { listAttempts } from "./history.js";
import type { Keys } from "./keys.js";
import { listLimits, readLimit, setLimitScript, throttleScript } from "./limits.js";
import { createListening } from "./listen.js";
import { listRuns } from "./listing.js";
import { appendLogsScript, readLogs } from "./logs.js";
import { getPlan } from "./plans.js";
import { promoteScript } from "./promote.js";
import { purgeScript } from "./purge.js";
import { purgeDeadLettersScript } from "./purge-dead-letters.js";
import { listQueues } from "./queues.js";
import { readTimeScript } from "./read-time.js";
import { reapScript } from "./reap.js";
import { findRegistration, listRegistrations, listVersions } from "./registrations.js";
import { retryScript } from "./retry.js";
import { deleteRoleScript, getRole, listRoles, readRoleUsage, serveScript, setRoleScript } from "./roles.js";
import { getRun } from "./runs.js";
import { createServer } from "./server.js";
import {
  announceScript,
  closeSessionScript,
  listHeld,
  listWorkers,
  openSessionScript,
  RETURN_LIMIT,
  releaseScript,
  renewScript,
} from "./session.js";
import { declareQueuesScript, obliterateQueueScript, setQueueScript } from "./steering.js";
import { countSteps, getStep, listSteps } from "./steps.js";
import { chunksOf, submitScript } from "./submit.js";
import { isSoon, tellTimerScript } from "./tell-timer.js";
import { listTenants } from "./tenants.js";
import { readValues } from "./values.js";
import { watchQueues } from "./watch-queues.js";
import { whereIs } from "./where-is.js";

export interface StoreParts {
  readonly redis: Redis;
  readonly place: Place;
  readonly keys: Keys;
  readonly clock: (() => number) | undefined;
  readonly eventsKept: number;
  readonly replicaMs: number;
}

/** Puts the verbs together to a store. */
export function createStore({ redis, place, keys, clock, eventsKept, replicaMs }: StoreParts): Store {
  const { url } = place;
  let isClosed = false;
  const server = createServer({ redis, keys, url, clock, isClosed: () => isClosed });
  const { run } = server;
  const listening = createListening(server, place);
  const submitChunk = (chunk: readonly Submission[]) => run(submitScript, chunk, eventsKept);
  const confirming = createConfirming({
    place,
    keys,
    clock,
    eventsKept,
    replicaMs,
    isClosed: () => isClosed,
  });

  return {
    url,
    // While one exchange is executed, the steps of another are.
    lanes: 2,
    renewal: { module: renewerModule(), data: { ...place, tls: { ...place.tls } as JsonValue, eventsKept } },
    async submit(batch, { durability } = {}) {
      if (isClosed) throw closedError(url);
      const send = durability === "replica" ? confirming.submit : submitChunk;
      const chunks = chunksOf(batch).map(send);
      // Behind them on the same connection; when it fails, the promoters' polls find the timer.
      const told = isSoon(batch) && run(tellTimerScript).catch(() => {});
      const results = (await Promise.all(chunks)).flat();
      await told;
      return results;
    },
    async noteBlobs(ids) {
      for (const part of pagesOf(ids)) await run(noteBlobsScript, part);
    },
    cancel: (id) => run(cancelScript, id, eventsKept),
    async retry(id, options = {}) {
      // What this call began another may complete.
      for (let hasBegun = false; ; ) {
        const { more, ...result } = await run(retryScript, id, options, eventsKept);
        hasBegun ||= result.status === "retried";
        if (!more) return hasBegun ? { status: "retried" } : result;
      }
    },
    purgeDeadLetters: (letters) => run(purgeDeadLettersScript, letters.slice(0, PURGE_LIMIT)),
    async declareQueues(defaults) {
      await run(declareQueuesScript, checkQueueDefaults(defaults));
    },
    async setQueue(name, edit, by) {
      return await run(setQueueScript, name, checkQueueEdit(name, edit), editorOf(by));
    },
    obliterateQueue: (name, obliteration) => run(obliterateQueueScript, name, obliteration, eventsKept),
    async setRole(name, edit, by) {
      const edited = await run(setRoleScript, name, checkRoleEdit(name, edit), editorOf(by));
      if (!edited) throw roleUnknown(name);
      return edited;
    },
    deleteRole: (name, by) => run(deleteRoleScript, name, editorOf(by)),
    getRole: (name) => getRole(server, name),
    listRoles: () => listRoles(server),
    readRoleUsage: (name) => readRoleUsage(server, name),
    serve: (session, serving) => run(serveScript, session, serving),
    openSession: (opening) => run(openSessionScript, newSessionId(), opening, eventsKept),
    exchange: (exchange) => run(exchangeScript, exchange, eventsKept),
    // A clock that a test has set would be read too early.
    ...(!clock && {
      async standBy(exchange, signal) {
        const { session, wants } = exchange;
        const reply = await listening.standBy(session, { queues: wants.queues, signal }, (redis) =>
          server.runOn(redis, exchangeScript, exchange, eventsKept),
        );
        return reply ?? (await run(exchangeScript, exchange, eventsKept));
      },
    }),
    expand: (expansion) => run(expandScript, expansion, eventsKept),
    renew: (session, vitals) => run(renewScript, session, vitals, eventsKept),
    announce: (session, start) => run(announceScript, session, start, eventsKept),
    async appendLogs(parts) {
      if (parts.length > 0) await run(appendLogsScript, parts, eventsKept);
    },
    async release(_session, leases) {
      for (const part of partsOf(leases)) await run(releaseScript, part, eventsKept);
    },
    async closeSession(session) {
      while (await run(closeSessionScript, session, eventsKept));
    },
    listHeld: (session) => listHeld(server, session),
    listen: (session, wait) => listening.listen(session, wait),
    throttle: (throttling) => run(throttleScript, throttling),
    async setLimit(name, edit) {
      const result = await run(setLimitScript, name, checkLimitEdit(name, edit));
      // Who promotes timers has one that is due.
      await run(tellTimerScript).catch(() => {});
      return result;
    },
    listLimits: () => listLimits(server),
    readLimit: (name, key) => readLimit(server, name, key),
    promoteDue: (limit) => run(promoteScript, limit, eventsKept),
    watchQueues: () => watchQueues(server, randomUUID(), eventsKept),
    reapSessions: (sweep) => run(reapScript, sweep, eventsKept),
    purge: (retention, limit) => run(purgeScript, retention, limit),
    dueBlobs: (limit) => run(dueBlobsScript, Math.min(limit, PAGE_LIMIT)),
    async forgetBlobs(ids) {
      for (const part of pagesOf(ids)) await run(forgetBlobsScript, part);
    },
    getRun: (id) => getRun(server, id),
    listRuns: (query) => listRuns(server, query),
    listDeadLetters: (query) => listDeadLetters(server, query),
    getDeadLetter: (id, step) => getDeadLetter(server, id, step),
    countDeadLetters: () => countDeadLetters(server),
    getStep: (id, address) => getStep(server, id, address),
    listSteps: (id, query) => listSteps(server, id, query),
    countSteps: (id) => countSteps(server, id),
    whereIs: (id, address) => whereIs(server, id, address),
    listAttempts: (id, address) => listAttempts(server, id, address),
    readLogs: (id, query) => readLogs(server, id, query),
    readValues: (id, wanted) => readValues(server, id, wanted),
    getPlan: (hash) => getPlan(server, hash),
    findRegistration: (name, plan) => findRegistration(server, name, plan),
    listRegistrations: () => listRegistrations(server),
    listVersions: (name) => listVersions(server, name),
    listTenants: (queue) => listTenants(server, queue),
    listQueues: () => listQueues(server),
    listWorkers: (query) => listWorkers(server, query),
    readDurations: (tasks) => readDurations(server, tasks),
    readTime: () => run(readTimeScript),
    readEvents: (after, limit) => readEvents(server, after, limit),
    lastEvent: () => lastEvent(server),
    awaitEvents: (after, wait) => listening.awaitEvents(after, wait),
    diagnose: () => server.look((client) => diagnose(client, keys, place)),
    check: createCheck(server),
    async close() {
      if (isClosed) return;
      isClosed = true;
      listening.close();
      // What is under way is answered first, unless the server is away.
      await Promise.race([
        Promise.all([redis.quit(), confirming.close()]).catch(() => {}),
        new Promise((done) => setTimeout(done, 1_000).unref()),
      ]);
      redis.disconnect();
    },
  };
}

function newSessionId(): string {
  return randomBytes(9).toString("base64url");
}

function pagesOf(ids: readonly string[]): string[][] {
  const pages: string[][] = [];
  for (let i = 0; i < ids.length; i += PAGE_LIMIT) pages.push(ids.slice(i, i + PAGE_LIMIT));
  return pages;
}

function partsOf(leases: readonly Lease[]): Lease[][] {
  const parts: Lease[][] = [];
  for (let i = 0; i < leases.length; i += RETURN_LIMIT) parts.push(leases.slice(i, i + RETURN_LIMIT));
  return parts;
}

/** The module beside this one: built, or under test in its source. */
function renewerModule(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./renewer.${extension}`, import.meta.url).href;
}
