import type { RoleUsage, WorkerRecord } from "@jobbers/core";
import type { Cause } from "./cause.js";
import { figure, listed } from "./figures.js";
import type { Look } from "./look.js";
import type { Scene } from "./scene.js";

/** What a step asks of a worker that is to take it: a queue ("" for control work), and what it has to know ("": nothing). */
export interface Wanted {
  readonly queue: string;
  readonly needs: string;
  /** The worker that had the step before. */
  readonly last?: string | undefined;
}

/** How many workers could take it; where none could, why. */
export async function serversOf({ look }: Scene, wanted: Wanted) {
  const { queue, needs } = wanted;
  const live = await look.workers();
  const serving = queue === "" ? live : live.filter(({ queues }) => queues.includes(queue));
  const able = needs === "" ? serving : serving.filter(({ serves }) => serves.includes(needs));
  const figures = { serving: serving.length, able: able.length };
  if (able.length > 0) {
    // Roles are about steps that run; control work goes on.
    const full = queue === "" ? [] : await fullRoles(look, able);
    return { ...figures, because: full.length > 0 ? full : undefined };
  }
  return {
    ...figures,
    because: [
      serving.length > 0
        ? nobodyKnows(wanted, serving)
        : nobodyServes(wanted, queue === "" ? [] : await look.rolesWith(queue)),
    ],
  };
}

/** The roles of all these workers, where each of them runs as many steps as it may; else nothing. */
async function fullRoles(look: Look, able: readonly WorkerRecord[]): Promise<Cause[]> {
  const roles = new Set(able.map(({ role }) => role));
  if (roles.size > MAX_FULL) return [];
  const causes: Cause[] = [];
  for (const role of roles) {
    const usage = role === undefined ? undefined : await look.roleUsage(role);
    if (role === undefined || usage?.concurrency === undefined || usage.running < usage.concurrency)
      return [];
    causes.push(roleFull(role, usage.concurrency, usage));
  }
  return causes;
}

function roleFull(role: string, concurrency: number, { running, holders }: RoleUsage): Cause {
  const each = new Map<string, number>();
  for (const { worker, running: n } of holders) each.set(worker, (each.get(worker) ?? 0) + n);
  const users = [...each]
    .map(([worker, n]) => ({ worker, running: n }))
    .sort((a, b) => b.running - a.running);
  const held = users.map(({ worker, running: n }) => `${worker} (${figure(n)})`);
  const who = held.length === 1 ? "worker" : "workers";
  const by = held.length === 0 ? "" : `; held by ${who} ${held.join(", ")}`;
  return {
    ...{ type: "role-full", role, concurrency, running, heldBy: users },
    sentence: `Role ${role} runs ${figure(running)} of ${figure(concurrency)} at once${by}.`,
  };
}

/** There is nobody who could do anything. */
export function noWorker(): Cause {
  return { type: "no-worker", sentence: "No worker is alive. Start one with: jobbers worker FILES." };
}

/** Names the lack of any worker behind what would go on by itself if there was one. */
export async function unlessAlive({ look }: Scene): Promise<readonly Cause[] | undefined> {
  return (await look.workers()).length > 0 ? undefined : [noWorker()];
}

function nobodyServes({ queue, last }: Wanted, roles: readonly string[]): Cause {
  if (queue === "") return noWorker();
  const before = last === undefined ? "" : ` (the last one that had this step was ${last})`;
  const [role] = roles;
  const how = role === undefined ? `--queues ${queue}` : `--role ${role}`;
  const has = roles.length === 1 ? "has" : "have";
  const cast =
    role === undefined
      ? ""
      : ` ${roles.length === 1 ? "Role" : "The roles"} ${listed(roles)} ${has} it, but no live worker has that role.`;
  const start = `Start one with: jobbers worker FILES ${how}`;
  return {
    ...{
      type: "unserved-queue",
      queue,
      last,
      ...(role !== undefined && { roles: roles.slice(0, MAX_ROLES) }),
    },
    sentence: `No live worker serves queue ${queue}${before}.${cast} ${start}.`,
  };
}

/** Of workers of more roles than that nobody says whether all are full. */
const MAX_FULL = 5;

/** How many roles are named. */
const MAX_ROLES = 20;

/** How many workers are named. */
const MAX_WORKERS = 20;

function nobodyKnows({ queue, needs }: Wanted, serving: readonly WorkerRecord[]): Cause {
  const workers = [...new Set(serving.map(({ worker }) => worker))].sort();
  const isOne = workers.length === 1;
  const what = needs.startsWith("dag:") ? `the dag ${needs.slice(4)}` : `the task ${needs}`;
  const own =
    queue === "" ? (isOne ? "is alive" : "are alive") : `${isOne ? "serves" : "serve"} queue ${queue}`;
  const who = isOne
    ? `Worker ${workers[0]} ${own}, but does not know`
    : `${listed(workers)} ${own}, but none knows`;
  const start = `Start a worker that does: jobbers worker FILE${queue === "" ? "" : ` --queues ${queue}`}`;
  return {
    ...{ type: "unknown-task", needs, queue: queueOf(queue), workers: workers.slice(0, MAX_WORKERS) },
    sentence: `${who} ${what}. ${start}.`,
  };
}

/** Control work stands in a queue without a name. */
export function queueOf(queue: string): string | undefined {
  return queue === "" ? undefined : queue;
}
