import { setMaxListeners } from "node:events";
import { OpenAPIHono } from "@hono/zod-openapi";
import { JobbersError, type Store } from "@jobbers/core";
import { createFeed, createPlans, createSubmitter } from "@jobbers/runs";
import type { Context } from "hono";
import { empty } from "./answers.js";
import type { ApiContext } from "./context.js";
import { withDeadlines } from "./deadlines.js";
import { createDoors } from "./doors/doors.js";
import { problemOf, problemTold, refuse } from "./problem.js";
import { createRegistrations } from "./registrations.js";
import type { Route } from "./route.js";
import { submitBulk } from "./routes/bulk.js";
import { cancelRun, retryRun } from "./routes/control.js";
import { getDag, listDags } from "./routes/dags.js";
import {
  countDeadLetters,
  getDeadLetter,
  listDeadLetters,
  purgeDeadLetter,
  purgeDeadLetters,
  redriveDeadLetter,
  redriveDeadLetters,
} from "./routes/dead-letters.js";
import { docsRoutes } from "./routes/docs.js";
import { allEvents, runEvents } from "./routes/events.js";
import { explainRun } from "./routes/explain.js";
import { listWorkers } from "./routes/fleet.js";
import { healthz, readyz } from "./routes/health.js";
import { getItems } from "./routes/items.js";
import { listLimits, readLimit, setLimit } from "./routes/limits.js";
import { followLogs, readLogs } from "./routes/logs.js";
import {
  drainQueue,
  getQueue,
  listQueues,
  listTenants,
  obliterateQueue,
  pauseQueue,
  resumeQueue,
  setQueue,
} from "./routes/queues.js";
import { getResult } from "./routes/result.js";
import { deleteRole, getRole, listRoles, setRole } from "./routes/roles.js";
import { getRun, listRuns, submitRun } from "./routes/runs.js";
import { getStep, listSteps } from "./routes/steps.js";
import { createSubmits } from "./submits.js";

/** What the API is made of. */
export interface ApiDeps {
  /** The store that it speaks for; it stays open when the API is closed. */
  readonly store: Store;
  /** Hosts by which it may be called, with or without a port; default: the names of the loopback address. `["*"]` allows any. */
  readonly hosts?: readonly string[] | undefined;
  /** Tokens (`jb_<id>_<secret>`) of which each request has to bring one; without any, none is asked for. */
  readonly tokens?: readonly string[] | undefined;
  /** Deadlines and sizes, for tests and odd networks. */
  readonly limits?: Partial<ApiLimits> | undefined;
  /** Told of every error that is none of Jobbers' own, of which a client learns nothing; default: the console. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/** Deadlines in milliseconds, and sizes. */
export interface ApiLimits {
  /** For each call of the store; default 5,000. */
  readonly storeMs: number;
  /** For a whole body to come in; default 10,000. */
  readonly bodyMs: number;
  /** Between two pieces of a bulk body; default 30,000. */
  readonly silenceMs: number;
  /** The longest wait of `result?wait=`; default 60,000. */
  readonly waitMs: number;
  /** Between two signs of life in a stream of events; default 15,000. */
  readonly heartbeatMs: number;
  /** The most bytes of a body, and of a line of a bulk body; default 1 MiB. */
  readonly bodyBytes: number;
  /** How much may wait for a client that does not read its stream of events; default 256 KiB. */
  readonly streamBytes: number;
}

/** The HTTP API over a store. */
export interface Api {
  /** Answers a request, as the Fetch standard has it; for `@hono/node-server`, or a client in the same process. */
  fetch(request: Request, env?: object): Response | Promise<Response>;
  /** Answers a path, for tests and scripts. */
  request(path: string, init?: RequestInit): Response | Promise<Response>;
  /** Ends the streams and what waits; the store stays open. */
  close(): Promise<void>;
}

const LIMITS: ApiLimits = {
  storeMs: 5_000,
  bodyMs: 10_000,
  silenceMs: 30_000,
  waitMs: 60_000,
  heartbeatMs: 15_000,
  bodyBytes: 1024 * 1024,
  streamBytes: 256 * 1024,
};

const routes: readonly Route[] = [
  ...[submitRun, submitBulk, listRuns, getRun, listSteps, getStep, getResult, getItems, explainRun],
  ...[readLogs, followLogs],
  ...[listDeadLetters, countDeadLetters, redriveDeadLetters, purgeDeadLetters],
  ...[getDeadLetter, redriveDeadLetter, purgeDeadLetter],
  ...[cancelRun, retryRun, runEvents, allEvents, listDags, getDag],
  ...[listQueues, getQueue, listTenants, setQueue, pauseQueue, resumeQueue, drainQueue, obliterateQueue],
  ...[listRoles, getRole, setRole, deleteRole],
  ...[listWorkers, listLimits, readLimit, setLimit, healthz, readyz],
];

/**
 * Makes the HTTP API over a store.
 *
 * @throws JobbersError `flag-invalid` for a token of the wrong form
 * @example
 * const api = createApi({ store: jobbers.store });
 * const answer = await api.request("/v1/runs", { method: "POST", body, headers: { "content-type": "application/json" } });
 */
export function createApi(deps: ApiDeps): Api {
  const closing = new AbortController();
  // Each stream listens to it; a warning of a leak would be a false one.
  setMaxListeners(0, closing.signal);
  const context = createContext(deps, closing.signal);
  const app = new OpenAPIHono({ strict: true });
  const mounted = [...routes, ...docsRoutes(app)];
  const open = mounted.flatMap((route) => route.open ?? []);
  const checkDoors = createDoors(deps, new Set(["/", ...open]));

  const answerError = (error: unknown) => refuse(problemTold(context, error));
  app.onError(answerError);
  app.use(async (c, next) => {
    checkDoors(c);
    await next();
  });
  // Who opens the server in a browser wants to read.
  app.get("/", () => empty(302, { location: "/docs" }));
  for (const route of mounted) route.mount(app, context);
  app.notFound((c) => refuseUnknown(c, mounted));

  return {
    fetch: (request, env) => app.fetch(request, env),
    request: (path, init) => app.request(path, init),
    async close() {
      closing.abort();
      context.feed.close();
    },
  };
}

function createContext({ store: given, limits: wanted, onFault }: ApiDeps, closing: AbortSignal): ApiContext {
  const limits = { ...LIMITS, ...wanted };
  const store = withDeadlines(given, limits.storeMs);
  const submitter = createSubmitter(store);
  return {
    ...{ store, limits, closing, submitter },
    feed: createFeed(store),
    plans: createPlans(store),
    submits: createSubmits(submitter, { flights: given.lanes ?? 1, waitMs: limits.storeMs }),
    registrations: createRegistrations(store),
    onFault: onFault ?? ((error) => console.error(error)),
  };
}

/** Tells a path that is not there from a method that its route does not take. */
function refuseUnknown(c: Context, routes: readonly Route[]): Response {
  const { path } = c.req;
  const methods = routes.filter((route) => route.matches(path)).map(({ method }) => method.toUpperCase());
  if (methods.length === 0)
    return refuse(problemOf(new JobbersError("route-unknown", `there is nothing at ${path.slice(0, 200)}`)));
  const allow = [...new Set(methods)]
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(", ");
  const error = new JobbersError(
    "method-not-allowed",
    `${path.slice(0, 200)} takes ${allow}; this is ${c.req.method}`,
  );
  return refuse(problemOf(error), { allow });
}
