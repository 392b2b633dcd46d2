import {
  type AnyWorkflow,
  checkHooks,
  checkKeepLogs,
  checkName,
  type FairQueues,
  type Hooks,
  JobbersError,
  MAX_VALUE_BYTES,
  quoted,
  type Size,
  type Store,
  sizeBytes,
  type TaskLog,
} from "@jobbers/core";
import type { KeepLogs } from "./attempt-logs.js";
import type { BulkheadOptions } from "./bulkheads.js";
import type { Observer } from "./events.js";
import { hostIdentity } from "./host.js";
import { consoleLog } from "./log.js";
import type { Environment } from "./programs/environment.js";
import { createRegistry, type Registry } from "./registry.js";
import { renewalMs } from "./renewal-loop.js";

/** What `createWorker` takes. */
export interface WorkerOptions {
  readonly store: Store;
  /** The tasks and dags that it can run; a dag brings its tasks along. */
  readonly workflows: readonly AnyWorkflow[];
  /** How many handlers run at a time; default 10. */
  readonly concurrency?: number | undefined;
  /** Which queues it takes steps from; default: every queue that its workflows use. */
  readonly queues?: readonly string[] | undefined;
  /**
   * Which role says what queues it serves, and with what weights; it follows edits of the role without a restart. Not together with
   * `queues`. The role has to be there when the worker starts.
   */
  readonly role?: string | undefined;
  /** What it is called, in 1 to 256 characters; default: host name and pid. */
  readonly name?: string | undefined;
  /** Handed to every task as `ctx.deps`. */
  readonly deps?: unknown;
  /**
   * The environment of the programs and processes that its tasks run in, as `process.env` has it; default: an empty one here, the
   * process's own in `jobbers.worker()`.
   */
  readonly environment?: Environment | undefined;
  /**
   * How long the store waits for a sign of life before it gives the steps to others, in milliseconds; default 15 s. It is renewed every third
   * of that, and no task's heartbeat may be shorter than a third.
   */
  readonly leaseMs?: number | undefined;
  /** How long `stop()` waits for running handlers, in milliseconds; default 30 s. */
  readonly graceMs?: number | undefined;
  /**
   * How long a handler may go on although its run was cancelled, and its signal has aborted, in milliseconds; default 30 s. Then
   * its step is given back without it, so that the run ends. What it answers later counts for nothing, and its slot stays taken
   * until it returns.
   */
  readonly abandonAfterMs?: number | undefined;
  /** Told of the attempts of all its tasks, after the task's own hooks: the place for an error tracker. */
  readonly hooks?: Hooks | undefined;
  /**
   * How long a handler may block the event loop before the worker stops being renewed, in milliseconds; default 60 s. Its steps
   * go to others when the lease has ended after that.
   */
  readonly maxBlockMs?: number | undefined;
  /** Whether a step's only child is taken at once, ahead of its queue; default true. */
  readonly inline?: boolean | undefined;
  /**
   * The most slots that the steps of a queue, or of a task, may take in this worker, so that one that is flooded or stuck leaves the
   * others their share; default: all of them. A queue whose bulkhead is full is asked for nothing.
   *
   * @example
   * const worker = jobbers.worker({ workflows, concurrency: 20, bulkheads: { queues: { crawl: 5 }, tasks: { resize: 2 } } });
   */
  readonly bulkheads?: BulkheadOptions | undefined;
  /** What says whose turn steps take in some queues, where their tasks say nothing themselves. */
  readonly fairQueues?: FairQueues | undefined;
  /**
   * How many exchanges may be under way at a time, 1 to 16; each asks for its share of the concurrency. Default: what the store
   * recommends, 2 on Redis and 1 on SQLite. More help where the store is far away.
   */
  readonly lanes?: number | undefined;
  /**
   * How large one output may be, as JSON, and the list that a map's results make together: bytes, or text like "32MiB"; default
   * 16 MiB, at most 256. What is larger fails its step for good.
   */
  readonly maxOutput?: Size | undefined;
  /** Where the worker and its tasks log; default: stderr, without debug lines. */
  readonly log?: TaskLog | undefined;
  /**
   * From which level on what a task logs is kept with its step, where the task does not say; default "info". "none" keeps nothing.
   */
  readonly keepLogs?: KeepLogs | undefined;
  /** Answers numbers from 0 up to, not including, 1; for jitter. */
  readonly random?: (() => number) | undefined;
  /** Which machine this is; default {@link hostIdentity}. */
  readonly host?: string | undefined;
  readonly observe?: Observer | undefined;
}

/** The options with all defaults filled in. */
export interface Settings {
  readonly store: Store;
  readonly workflows: readonly AnyWorkflow[];
  readonly registry: Registry;
  readonly concurrency: number;
  readonly queues: readonly string[];
  readonly role: string | undefined;
  readonly name: string;
  readonly host: string;
  readonly deps: unknown;
  readonly environment: Environment;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly abandonAfterMs: number;
  readonly hooks: Hooks | undefined;
  readonly maxBlockMs: number;
  readonly inline: boolean;
  readonly bulkheads: BulkheadOptions;
  readonly lanes: number;
  readonly maxOutputBytes: number;
  readonly log: TaskLog;
  readonly keepLogs: KeepLogs;
  readonly random: () => number;
  readonly observe: Observer | undefined;
}

/** Checks options and fills in defaults; throws JobbersError `flag-invalid` or `definition-invalid`. */
export function settingsOf(options: WorkerOptions): Settings {
  const { store, workflows, random = Math.random, inline = true, deps, environment = {} } = options;
  const registry = createRegistry(workflows, options.fairQueues);
  const host = options.host ?? hostIdentity();
  const queues = options.queues ?? registry.queues;
  const role = options.role === undefined ? undefined : checkName(options.role, "the worker's role");
  if (role !== undefined && options.queues)
    throw new JobbersError("flag-invalid", "the worker's role says which queues it serves; leave queues out");
  if (queues.length === 0) throw invalid("queues", queues, "at least one queue");
  for (const queue of queues) checkName(queue, "the worker's queue");
  const concurrency = whole("concurrency", options.concurrency ?? 10, 1, 100_000);
  const { bulkheads = {} } = options;
  checkBulkheads(bulkheads, { registry, queues, concurrency });
  const leaseMs = atLeast("leaseMs", options.leaseMs ?? 15_000, 100);
  checkHeartbeats(registry, leaseMs);
  return {
    ...{ store, workflows, registry, host, queues, role, deps, environment, inline, random },
    ...{ concurrency, bulkheads, leaseMs },
    lanes: whole("lanes", options.lanes ?? store.lanes ?? 1, 1, 16),
    name: workerName(options.name ?? `${host.split(" ")[0]}:${process.pid}`),
    graceMs: atLeast("graceMs", options.graceMs ?? 30_000, 0),
    abandonAfterMs: atLeast("abandonAfterMs", options.abandonAfterMs ?? 30_000, 0),
    hooks: checkHooks(options.hooks, "the worker's hooks", "flag-invalid"),
    maxOutputBytes: sizeBytes(options.maxOutput ?? MAX_VALUE_BYTES, "the worker's maxOutput"),
    maxBlockMs: atLeast("maxBlockMs", options.maxBlockMs ?? 60_000, 100),
    log: options.log ?? consoleLog(),
    keepLogs: checkKeepLogs(options.keepLogs, "the worker's keepLogs", "flag-invalid") ?? "info",
    observe: options.observe && unharmed(options.observe),
  };
}

/** Others hear of heartbeats with renewals only: shorter ones they would never see in time. */
function checkHeartbeats({ tasks }: Registry, leaseMs: number): void {
  const apartMs = renewalMs(leaseMs);
  for (const { name, heartbeatMs } of tasks.values()) {
    if (heartbeatMs === undefined || heartbeatMs >= apartMs) continue;
    const most = Math.floor((heartbeatMs * leaseMs) / apartMs);
    throw new JobbersError(
      "flag-invalid",
      `task ${quoted(name)}: its heartbeat of ${heartbeatMs} ms is shorter than the ${Math.ceil(apartMs)} ms between two renewals of the ` +
        `worker, so that nobody else could see it in time; give it at least that, or the worker a leaseMs of at most ${most}`,
    );
  }
}

/** Checks that each bulkhead is of something that the worker has, and that every task has its slots. */
function checkBulkheads(
  { queues: byQueue = {}, tasks: byTask = {} }: BulkheadOptions,
  { registry, queues, concurrency }: Pick<Settings, "registry" | "queues" | "concurrency">,
): void {
  const within = (most: number, what: string, known: boolean, kinds: string) => {
    whole(`bulkhead of ${what}`, most, 1, concurrency);
    if (known) return;
    throw new JobbersError(
      "flag-invalid",
      `the worker has a bulkhead of ${what}; it takes ${kinds} of its own`,
    );
  };
  for (const [queue, most] of Object.entries(byQueue))
    within(most, `queue ${quoted(queue)}`, queues.includes(queue), "queues");
  for (const [task, most] of Object.entries(byTask))
    within(most, `task ${quoted(task)}`, registry.tasks.has(task), "tasks");
  for (const { name, slots } of registry.tasks.values()) {
    const own = (registry.queuesOf.get(name) ?? []).filter((queue) => queues.includes(queue));
    const rooms: (readonly [room: number, what: string])[] = [
      [concurrency, "the worker's concurrency"],
      [byTask[name] ?? concurrency, "its bulkhead"],
      ...own.map(
        (queue) => [byQueue[queue] ?? concurrency, `the bulkhead of its queue ${quoted(queue)}`] as const,
      ),
    ];
    const tooSmall = rooms.find(([room]) => slots > room);
    if (!tooSmall) continue;
    const [room, what] = tooSmall;
    const how = "give the worker more slots, or leave the task to another one";
    throw new JobbersError(
      "flag-invalid",
      `task ${quoted(name)} takes ${slots} slots, but ${what} is ${room}; ${how}`,
    );
  }
}

function whole(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(what, value, `a whole number from ${least} to ${most}`);
}

function atLeast(what: string, value: number, least: number): number {
  if (value >= least) return value;
  throw invalid(what, value, `a number of milliseconds, at least ${least}`);
}

/** It stands in listings, in lines of the log and behind each attempt. */
function workerName(name: string): string {
  if (typeof name === "string" && /^\P{C}{1,256}$/u.test(name) && name.trim() === name) return name;
  throw invalid("name", name, "1 to 256 characters on one line, without blanks at its ends");
}

function invalid(what: string, value: unknown, form: string): JobbersError {
  return new JobbersError("flag-invalid", `the worker's ${what} is ${quoted(value)}; it takes ${form}`);
}

/** Nobody who only looks on can do harm. */
function unharmed(observe: Observer): Observer {
  return (event) => {
    try {
      observe(event);
    } catch {}
  };
}
