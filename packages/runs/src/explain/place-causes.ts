import type { Phase, StepRecord, StepWhereabouts, WorkerRecord } from "@jobbers/core";
import type { Cause, Work } from "./cause.js";
import { figure, listed, many, span } from "./figures.js";
import { attemptsOf, type Scene } from "./scene.js";

/** How often workers look for lost ones by default, jitter included, in milliseconds; two looks make a session lost. */
const SWEEP_MS = 6_000;

/** A step that is in a line or in some worker's hands. */
export interface Placed {
  readonly title: string;
  readonly address: string;
  readonly where: StepWhereabouts;
  /** Absent for the run's own opening. */
  readonly record?: StepRecord | undefined;
}

/** What a worker is wanted for, where it is not to run a task. */
const control: Readonly<Record<Exclude<Phase, "run">, string>> = {
  admit: "judges its condition",
  expand: "lays it out",
  enter: "starts it",
  advance: "says what follows",
};

/** Why a step is not taken that stands in a line. */
export async function inLine(scene: Scene, placed: Placed): Promise<Cause> {
  const { address, where, record } = placed;
  const { line, needs, phase } = where;
  const queue = line ? line.queue : phase === "run" ? (record?.queue ?? "") : "";
  const { serving, able, because } = await serversOf(scene, { queue, needs, last: record?.worker });
  const place = line ?? { priority: scene.record.priority, before: 0, atLeast: false, depth: 0 };
  const { priority, before, atLeast, depth } = place;
  const work: Work = { step: address, work: phase };
  const whose = because
    ? ""
    : queue === ""
      ? ""
      : `; ${many(able, "worker")} ${able === 1 ? "serves" : "serve"} it`;
  return {
    ...{
      type: "in-line",
      ...work,
      queue: queue === "" ? undefined : queue,
      priority,
      before,
      atLeast,
      depth,
    },
    ...{ serving, able, because },
    sentence: `${waitsIn(placed, queue)}${line ? rankIn(before, atLeast) : ""}${whose}.`,
  };
}

function waitsIn({ title, where }: Placed, queue: string): string {
  if (where.phase === "run") return `${title} waits in queue ${queue}`;
  const ended = where.phase === "advance" ? ` has ${where.state} and` : "";
  return `${title}${ended} waits for a worker that ${control[where.phase]}`;
}

function rankIn(before: number, atLeast: boolean): string {
  if (before === 0) return ", first in line";
  return ` behind ${atLeast ? "at least " : ""}${many(before, "step")}`;
}

interface Wanted {
  readonly queue: string;
  readonly needs: string;
  readonly last?: string | undefined;
}

/** How many workers could take it; where none could, why. */
async function serversOf({ look }: Scene, wanted: Wanted) {
  const { queue, needs } = wanted;
  const live = await look.workers();
  const serving = queue === "" ? live : live.filter(({ queues }) => queues.includes(queue));
  const able = needs === "" ? serving : serving.filter(({ serves }) => serves.includes(needs));
  const figures = { serving: serving.length, able: able.length };
  if (able.length > 0) return { ...figures, because: undefined };
  const cause = serving.length === 0 ? nobodyServes(wanted) : nobodyKnows(wanted, serving);
  return { ...figures, because: [cause] };
}

function nobodyServes({ queue, last }: Wanted): Cause {
  if (queue === "") return noWorker();
  const before = last === undefined ? "" : ` (the last one that had this step was ${last})`;
  const start = `Start one with: jobbers worker FILES --queues ${queue}`;
  return {
    ...{ type: "unserved-queue", queue, last },
    sentence: `No live worker serves queue ${queue}${before}. ${start}.`,
  };
}

/** There is nobody who could do anything. */
export function noWorker(): Cause {
  return { type: "no-worker", sentence: "No worker is alive. Start one with: jobbers worker FILES." };
}

function nobodyKnows({ queue, needs }: Wanted, serving: readonly WorkerRecord[]): Cause {
  const workers = [...new Set(serving.map(({ worker }) => worker))].sort();
  const what = needs.startsWith("dag:") ? `the dag ${needs.slice(4)}` : `the task ${needs}`;
  const where = queue === "" ? "are alive" : `serve queue ${queue}`;
  const who = workers.length === 1 ? where.replace("are", "is").replace("serve ", "serves ") : where;
  const file = `the file that defines it: jobbers worker FILE${queue === "" ? "" : ` --queues ${queue}`}`;
  return {
    ...{
      type: "unknown-task",
      needs,
      queue: queue === "" ? undefined : queue,
      workers: workers.slice(0, 20),
    },
    sentence: `${listed(workers)} ${who}, but not one of them knows ${what}. Start a worker with ${file}.`,
  };
}

/** What a step is doing that some worker has. */
export async function inHands(scene: Scene, placed: Placed): Promise<Cause> {
  const { where } = placed;
  const main = isLost(scene, where) ? await lost(scene, placed) : running(scene, placed);
  return where.phase === "expand" && placed.record ? expanding(placed, main) : main;
}

function isLost({ nowMs }: Scene, { holder }: StepWhereabouts): boolean {
  if (!holder) return false;
  return holder.state !== "open" || (holder.expiresAtMs !== undefined && holder.expiresAtMs < nowMs);
}

function running({ nowMs, index }: Scene, { title, address, where, record }: Placed): Cause {
  const { holder, phase } = where;
  const isTask = phase === "run";
  const worker = holder?.worker ?? record?.worker;
  const sinceMs = phase === "advance" ? undefined : record?.startedAtMs;
  const attempts = isTask ? attemptsOf(index, address) : undefined;
  const attempt = isTask && record ? record.tries + 1 : undefined;
  const leaseUntilMs = holder?.expiresAtMs;
  const age = sinceMs === undefined ? "" : ` for ${span(nowMs - sinceMs)}`;
  const tries = attempts !== undefined && attempts > 1 ? `, try ${attempt} of ${attempts}` : "";
  const by = worker === undefined ? "a worker" : `worker ${worker}`;
  const lease =
    leaseUntilMs === undefined ? "" : `; its lease is good for ${span(leaseUntilMs - nowMs)} more`;
  return {
    ...{ type: "running", step: address, work: phase, worker, sinceMs, attempt, attempts, leaseUntilMs },
    sentence: isTask
      ? `${title} runs on ${by}${age}${tries}${lease}.`
      : `${title} is with ${by}, which ${control[phase]}${lease}.`,
  };
}

async function lost({ nowMs, look }: Scene, { title, address, where }: Placed): Promise<Cause> {
  const { session, worker, state, expiresAtMs, suspectAtMs } = where.holder as NonNullable<
    typeof where.holder
  >;
  const isAnyAlive = (await look.workers()).length > 0;
  const isReturning = state !== "open";
  const byMs = suspectAtMs === undefined ? nowMs + 2 * SWEEP_MS : suspectAtMs + SWEEP_MS;
  const takenBackByMs = isAnyAlive && !isReturning ? Math.max(nowMs + 1_000, byMs) : undefined;
  const silent =
    expiresAtMs === undefined ? "is gone" : `is silent: its lease expired ${span(nowMs - expiresAtMs)} ago`;
  const next =
    takenBackByMs === undefined
      ? isReturning
        ? "the step is on its way back to its line"
        : "somebody has to be alive to take the step back"
      : `the step is given to another in about ${span(takenBackByMs - nowMs)} at the latest`;
  return {
    ...{ type: "session-lost", step: address, work: where.phase, worker, session },
    ...{ expiredAtMs: expiresAtMs, takenBackByMs },
    sentence: `${title} was with worker ${worker}, which ${silent}; ${next}.`,
    because: isAnyAlive ? undefined : [noWorker()],
  };
}

function expanding({ title, address, where, record }: Placed, main: Cause): Cause {
  const { cursor } = where;
  const count = record?.count;
  const of = count === undefined ? "" : ` of ${figure(count)}`;
  return {
    ...{ type: "expanding", step: address, laidOut: cursor, count },
    sentence: `${title} is being laid out: ${figure(cursor)}${of} elements have their steps so far.`,
    because: [main],
  };
}
