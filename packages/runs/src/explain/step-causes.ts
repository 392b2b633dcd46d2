import {
  isEnded,
  isSettled,
  RUN_ADDRESS,
  type StepAddress,
  type StepRecord,
  type StepWhereabouts,
} from "@jobbers/core";
import { openBody } from "./body-causes.js";
import type { Cause } from "./cause.js";
import { endedStep } from "./end-causes.js";
import { errorLine, showError, span } from "./figures.js";
import { inHands } from "./holder-causes.js";
import { inLine, type Placed } from "./place-causes.js";
import { scheduled } from "./run-causes.js";
import { attemptsOf, type Causes, MAX_CAUSES, type Scene, titleOf } from "./scene.js";
import { unstarted } from "./unstarted-causes.js";
import { byUrgency } from "./urgency.js";
import { waitingFor } from "./waiting-causes.js";
import { unlessAlive } from "./worker-causes.js";

/** How the step at the run's own address is called. */
export const OPENING = "The run's opening";

/** Why one step is not further. What was told before is told again without what is behind it. */
export async function causesOf(scene: Scene, address: StepAddress, depth = 0): Promise<readonly Cause[]> {
  const before = scene.told.get(address);
  if (before) return before.map(({ because: _, left: __, ...cause }) => cause as Cause);
  scene.told.set(address, []);
  const record = await scene.look.step(address);
  const causes = record ? await recordedCauses(scene, record, depth) : await unstarted(scene, address, depth);
  scene.told.set(address, causes);
  return causes;
}

/** Why several steps are not further; as many as there is room for, what needs help first. */
export async function causesOfAll(
  scene: Scene,
  addresses: readonly StepAddress[],
  depth: number,
  total = addresses.length,
): Promise<Causes> {
  const because: Cause[] = [];
  let told = 0;
  for (const address of addresses.slice(0, MAX_CAUSES)) {
    if (told > 0 && scene.look.isSpent) break;
    because.push(...(await causesOf(scene, address, depth)));
    told++;
  }
  return { because: because.sort(byUrgency), left: Math.max(0, total - told) };
}

async function recordedCauses(scene: Scene, record: StepRecord, depth: number): Promise<Cause[]> {
  const { address, state, phase } = record;
  // What settles while its run is being cancelled releases nobody, and keeps it for a retry by hand that it has still to.
  const isOver = isEnded(scene.record.state) || scene.record.cancelling;
  if (isSettled(state) && (phase !== "advance" || isOver)) return [await endedStep(scene, record)];
  switch (state) {
    case "blocked":
      return [await waitingFor(scene, address, depth)];
    case "expanding":
      return [await openBody(scene, record, depth)];
    case "waiting":
      return [scene.record.state === "scheduled" ? await scheduled(scene) : await retryDue(scene, record)];
    default:
      return placeCauses(scene, address, titleOf(record.kind, address), record);
  }
}

/** Why a step is not further that a worker has, or is to have. */
export async function placeCauses(
  scene: Scene,
  address: StepAddress,
  title: string,
  record?: StepRecord,
): Promise<Cause[]> {
  const where = (await scene.look.where(address)).step;
  if (where) {
    const placed: Placed = { title, address, where, record };
    if (where.holder) return [await inHands(scene, placed)];
    if (standsInLine(where)) return [await inLine(scene, placed)];
  }
  // It has moved on since its record was read.
  return [await advancing(scene, address)];
}

function standsInLine({ state, phase }: StepWhereabouts): boolean {
  return phase === "advance" || state === "ready" || state === "limited";
}

/** What goes on between two steps shows in no record. */
export async function advancing(scene: Scene, step?: StepAddress): Promise<Cause> {
  const what = step === undefined || step === RUN_ADDRESS ? "What it waited for" : `What ${step} waited for`;
  return {
    ...{ type: "advancing", step },
    sentence: `${what} has settled this very moment, and a worker is to say what follows.`,
    because: await unlessAlive(scene),
  };
}

async function retryDue(scene: Scene, record: StepRecord): Promise<Cause> {
  const { nowMs, index } = scene;
  const { address, dueAtMs, reason, tries } = record;
  const attempts = attemptsOf(index, address);
  const error = errorLine(record.error);
  const of = attempts === undefined ? "" : ` of ${attempts}`;
  const why = error ? ` with ${showError(error)}` : "";
  const isOverdue = dueAtMs !== undefined && dueAtMs < nowMs;
  const when =
    dueAtMs === undefined
      ? "is to be tried again"
      : isOverdue
        ? `was due for its next try ${span(nowMs - dueAtMs)} ago`
        : `is tried again in ${span(dueAtMs - nowMs)}`;
  return {
    ...{ type: "retry-due", step: address, dueAtMs, reason, error, tries, attempts },
    sentence: `Step ${address} ${when}: try ${tries}${of} failed${why}.`,
    because: isOverdue ? await unlessAlive(scene) : undefined,
  };
}
