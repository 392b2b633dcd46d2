import { checkLimit, type Limit } from "../definition/limits.js";
import { JobbersError } from "../errors/errors.js";
import { targetLimitsOf } from "../limits/task-limits.js";
import type { QueueDefaults, QueueLimits, QueuePolicy } from "../store/queues.js";
import { checkName } from "../values/ids.js";
import { quoted } from "../values/quoted.js";
import { checkQueueDefaults } from "./queue-edit.js";
import { QUEUE_POLICY } from "./queue-policy.js";

/** What code says of a queue; live edits go before it. */
export interface QueueOptions extends QueuePolicy {
  /** Limits that hold for all steps of the queue together. None has a key, or a cost that depends on the input. */
  readonly limits?: readonly Limit<unknown>[] | undefined;
  /** Limits that hold for a task in this queue, by its name. */
  readonly tasks?: Readonly<Record<string, QueueTaskOptions>> | undefined;
}

/** What code says of a task in a queue. */
export interface QueueTaskOptions {
  readonly limits?: readonly Limit<unknown>[] | undefined;
}

/** What code says of queues, by name. */
export type Queues = Readonly<Record<string, QueueOptions>>;

/** Known by it are also those that another copy of Jobbers has made. */
const mark = Symbol.for("jobbers.queues");

/**
 * Says how queues are set, for all who import it: `connect(url, { queues })` takes it, and `jobbers worker`, `run` and `dev` take what their
 * files export.
 *
 * @throws JobbersError `name-invalid`, `flag-invalid` or `definition-invalid`, naming queue and field
 * @example
 * export const ourQueues = queues({ crawl: { max: 10_000, priority: "weighted", limits: [{ concurrency: 20 }] } });
 */
export function queues(options: Queues): Queues {
  queueDefaultsOf(options);
  return Object.freeze({ ...options, [mark]: true });
}

/** True for what {@link queues} has made. */
export function isQueues(value: unknown): value is Queues {
  return typeof value === "object" && value !== null && mark in value;
}

/**
 * What code says of queues, as a store takes it.
 *
 * @throws JobbersError `name-invalid`, `flag-invalid` or `definition-invalid`, naming queue and field
 */
export function queueDefaultsOf(queues: Queues): readonly QueueDefaults[] {
  const what = `queues is ${quoted(queues)}`;
  if (!isRecord(queues)) throw refused(`${what}; it takes queues by name, as in { mail: { max: 1000 } }`);
  return checkQueueDefaults(Object.entries(queues).map(([name, options]) => defaultsOf(name, options)));
}

function defaultsOf(name: string, options: QueueOptions): QueueDefaults {
  checkName(name, "queue");
  const what = `queue ${quoted(name)}`;
  checkOptions(what, options, [...QUEUE_POLICY, "limits", "tasks"]);
  const { limits, tasks, ...policy } = options;
  if (tasks !== undefined && !isRecord(tasks))
    throw refused(
      `${what}: tasks is ${quoted(tasks)}; it takes tasks by name, as in { fetch: { limits: [] } }`,
    );
  const ofTasks = Object.entries(tasks ?? {}).map(([task, own]): QueueLimits => {
    checkName(task, `${what}: task`);
    checkOptions(`${what}: task ${quoted(task)}`, own, ["limits"]);
    return { task, limits: limitsOf(`${what}: tasks.${task}.limits`, `${task}@${name}`, own.limits) };
  });
  return {
    ...policy,
    name,
    limits: [{ limits: limitsOf(`${what}: limits`, `@${name}`, limits) }, ...ofTasks],
  };
}

function checkOptions(what: string, options: unknown, known: readonly string[]): void {
  if (!isRecord(options)) throw refused(`${what} is ${quoted(options)}; it takes { ${known.join(", ")} }`);
  const stranger = Object.keys(options).find((option) => !known.includes(option));
  if (stranger !== undefined)
    throw refused(`${what} has no option ${quoted(stranger)}; there are ${known.join(", ")}`);
}

function limitsOf(field: string, target: string, limits: unknown) {
  if (limits === undefined) return [];
  if (!Array.isArray(limits))
    throw refused(`${field} is ${quoted(limits)}; it takes a list, as in [rate({ limit: 10, per: "1s" })]`);
  for (const [i, limit] of (limits as Limit<unknown>[]).entries()) {
    checkLimit(limit, `${field}[${i}]`);
    const { key, cost } = limit as { key?: unknown; cost?: unknown };
    const asksInput =
      key !== undefined ? "a key" : typeof cost === "function" ? "a cost that is a function" : "";
    if (asksInput === "") continue;
    throw new JobbersError(
      "definition-invalid",
      `${field}[${i}] has ${asksInput}; a limit of a queue holds whatever the input is, so give that one to the task`,
    );
  }
  return targetLimitsOf(target, limits as Limit<unknown>[]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(message: string): JobbersError {
  return new JobbersError("flag-invalid", message);
}
