import type { LinePlace, Phase, StepRecord, StepWhereabouts } from "@jobbers/core";
import type { Cause } from "./cause.js";
import { figure, many, span } from "./figures.js";
import { limitCauses } from "./limit-causes.js";
import type { Scene } from "./scene.js";
import { queueOf, serversOf } from "./worker-causes.js";

/** A step that stands in a line or is in some worker's hands. */
export interface Placed {
  readonly title: string;
  readonly address: string;
  readonly where: StepWhereabouts;
  /** Absent for the run's own opening. */
  readonly record?: StepRecord | undefined;
}

/** What a worker is wanted for, where it is not to run a task. */
export const controlWork: Readonly<Record<Exclude<Phase, "run">, string>> = {
  admit: "judges its condition",
  expand: "lays it out",
  enter: "starts it",
  advance: "says what follows",
};

/** Where a step stands that was just popped, or has just been put there. */
const NOWHERE = { before: 0, atLeast: false, depth: 0 };

/** Why a step is not taken that stands in a line. */
export async function inLine(scene: Scene, placed: Placed): Promise<Cause> {
  const { address, where, record } = placed;
  const { line, needs, phase } = where;
  const queue = phase === "run" ? (line?.queue ?? record?.queue ?? "") : "";
  const limits = limitCauses(address, where.limits ?? []);
  const {
    serving,
    able,
    because: lack = [],
  } = await serversOf(scene, { queue, needs, last: record?.worker });
  const causes = [...pausedCauses(scene, line), ...lack, ...limits];
  const because = causes.length > 0 ? causes : undefined;
  const { before, atLeast, depth } = line ?? NOWHERE;
  const serve = `; ${many(able, "worker")} ${able === 1 ? "serves" : "serve"} it`;
  const rank = line ? rankIn(line) : "";
  return {
    ...{ type: "in-line", step: address, work: phase, queue: queueOf(queue) },
    ...{ priority: line?.priority ?? scene.record.priority, before, atLeast, depth, serving, able, because },
    ...(line && isWeighted(line) && { weighted: true }),
    sentence: `${waitsIn(placed, queue)}${rank}${because || queue === "" ? "" : serve}.`,
  };
}

function pausedCauses({ nowMs }: Scene, line: LinePlace | undefined): Cause[] {
  if (!line?.settings?.paused) return [];
  const { queue } = line;
  const { editedBy: by, editedAtMs: sinceMs } = line.settings;
  const who = by === undefined ? "" : ` by ${by}`;
  const ago = sinceMs === undefined ? "" : ` ${span(nowMs - sinceMs)} ago`;
  const edit = who === "" && ago === "" ? "" : ` (edited${who}${ago})`;
  return [
    {
      ...{ type: "paused-queue", queue, by, sinceMs },
      sentence: `Queue ${queue} is paused${edit}. Have it go on with: jobbers queues resume ${queue}.`,
    },
  ];
}

function waitsIn({ title, where }: Placed, queue: string): string {
  if (where.phase === "run") return `${title} waits in queue ${queue}`;
  const ended = where.phase === "advance" ? ` ${settledAs[where.state] ?? where.state} and` : "";
  return `${title}${ended} waits for a worker that ${controlWork[where.phase]}`;
}

const settledAs: Readonly<Partial<Record<StepRecord["state"], string>>> = {
  failed: "has failed",
  succeeded: "has succeeded",
  skipped: "was skipped",
  cancelled: "was cancelled",
};

function isWeighted({ settings }: LinePlace): boolean {
  return settings?.priority === "weighted";
}

function rankIn(line: LinePlace): string {
  const { before, atLeast, depth, priority } = line;
  // No priority goes before another: how many of the others are taken first, nobody knows.
  const own = isWeighted(line) ? ` of priority ${priority}, which has its share of what is taken` : "";
  if (before === 0) return own ? `, first${own}` : ", first in line";
  return atLeast
    ? ` behind at least ${figure(before)} of ${many(depth, "step")}`
    : ` behind ${many(before, "step")}${own}`;
}
