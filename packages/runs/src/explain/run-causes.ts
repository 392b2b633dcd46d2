import { addressOf, RUN_ADDRESS, type StepAddress } from "@jobbers/core";
import { statusOf } from "../run-result.js";
import { openMembers } from "./body-causes.js";
import type { Cause } from "./cause.js";
import { shortFailure } from "./end-causes.js";
import { instant, many, showError, span } from "./figures.js";
import { type Causes, MAX_CAUSES, type Scene } from "./scene.js";
import { causesOfAll, OPENING, placeCauses } from "./step-causes.js";
import { byUrgency } from "./urgency.js";
import { unlessAlive } from "./worker-causes.js";

/** Why a run that goes on is not further. */
export async function openRun(scene: Scene): Promise<Causes> {
  const { record, index } = scene;
  if (record.state === "scheduled") return { because: [await scheduled(scene)], left: 0 };
  if (record.cancelling) return { because: [await cancelling(scene)], left: 0 };
  const opening = await openingCauses(scene);
  const { because, left } = await openMembers(scene, undefined, []);
  const isGoing = opening.length === 0 || because.some(({ type }) => type !== "advancing");
  const found = { because: [...opening, ...(isGoing ? because : [])].sort(byUrgency), left };
  const failure = shortFailure(statusOf(record).failure);
  if (!failure || index.plan.failure !== "stop") return found;
  const what = `step ${failure.step} failed with ${showError(failure.error)}`;
  const sentence = `The run stops, because ${what}: what has not begun is cancelled, and the run fails when the rest has settled.`;
  return { because: [{ type: "stopping", failure, sentence, ...found }], left: 0 };
}

/** The run begins later. */
export async function scheduled(scene: Scene): Promise<Cause> {
  const { look, record, nowMs } = scene;
  const first = await look.waiting();
  const dueAtMs = first?.dueAtMs;
  if (dueAtMs === undefined)
    return { type: "scheduled", sentence: `Run ${record.id} is scheduled for later.` };
  const isOverdue = dueAtMs < nowMs;
  const when = isOverdue
    ? `was due at ${instant(dueAtMs)}, ${span(nowMs - dueAtMs)} ago`
    : `is scheduled for ${instant(dueAtMs)}, in ${span(dueAtMs - nowMs)}`;
  const because = isOverdue ? await unlessAlive(scene) : undefined;
  return { type: "scheduled", dueAtMs, sentence: `Run ${record.id} ${when}.`, because };
}

/** Entry steps beyond the first page of the submission: some worker has to send them. */
async function openingCauses(scene: Scene): Promise<Cause[]> {
  const state = (await scene.look.where(RUN_ADDRESS)).step?.state;
  return state === "ready" || state === "running" ? placeCauses(scene, RUN_ADDRESS, OPENING) : [];
}

/** The run ends when what runs of it has ended. */
export async function cancelling(scene: Scene): Promise<Cause> {
  const counts = await scene.look.counts();
  let running = 0;
  for (const of of counts.values()) running += of.running ?? 0;
  const names = [...counts].filter(([, each]) => (each.running ?? 0) > 0).map(([name]) => name);
  const { because, left } = await stillRunning(scene, names, running);
  const rest =
    running === 0
      ? "the last worker has to let go of it"
      : `${many(running, "step")} still ${running === 1 ? "runs" : "run"}`;
  return {
    ...{ type: "cancelling", running, because, left },
    sentence: `Run ${scene.record.id} is being cancelled and ends when nothing of it runs; ${rest}.`,
  };
}

async function stillRunning(scene: Scene, names: readonly string[], running: number): Promise<Causes> {
  const addresses: string[] = [];
  for (const name of names.slice(0, MAX_CAUSES)) {
    if (addresses.length >= MAX_CAUSES || scene.look.isSpent) break;
    addresses.push(...(await runningOf(scene, name)));
  }
  return causesOfAll(scene, addresses, 0, running);
}

/** The first few steps of a plan name that run. */
async function runningOf({ index, look }: Scene, name: string): Promise<StepAddress[]> {
  const step = index.step(name);
  const zeros = index.maps(step).map(() => 0);
  if (zeros.length === 0) return [name];
  const first = addressOf(index, step, zeros);
  const prefix = first.slice(0, first.indexOf("[0]") + 1);
  return (await look.some({ name, prefix, states: ["running"], limit: 3 })).map(({ address }) => address);
}
