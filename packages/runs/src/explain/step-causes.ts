import {
  isOnFailure,
  isSettled,
  ownerAddress,
  RUN_ADDRESS,
  type StepAddress,
  type StepRecord,
} from "@jobbers/core";
import { openBody } from "./body-causes.js";
import type { Cause } from "./cause.js";
import { endedStep } from "./end-causes.js";
import { errorLine, listed, many, showError, span } from "./figures.js";
import { inHands, inLine, noWorker, type Placed } from "./place-causes.js";
import { scheduled } from "./run-causes.js";
import {
  attemptsOf,
  type Causes,
  find,
  MAX_CAUSES,
  MAX_CHAIN,
  parentsOf,
  type Scene,
  titleOf,
} from "./scene.js";
import { byUrgency } from "./urgency.js";

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
  if (isSettled(state) && phase !== "advance") return [await endedStep(scene, record)];
  switch (state) {
    case "blocked":
      return [await waiting(scene, address, depth)];
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
  // It has moved on since its record was read.
  if (!where || (isSettled(where.state) && where.phase !== "advance"))
    return [await advancing(scene, address)];
  const placed: Placed = { title, address, where, record };
  return [where.holder ? await inHands(scene, placed) : await inLine(scene, placed)];
}

/** What goes on between two steps shows in no record. */
export async function advancing({ look }: Scene, step?: StepAddress): Promise<Cause> {
  const isAnyAlive = (await look.workers()).length > 0;
  const what = step === undefined || step === RUN_ADDRESS ? "What it waited for" : `What ${step} waited for`;
  return {
    ...{ type: "advancing", step },
    sentence: `${what} has settled this very moment, and a worker is to say what follows.`,
    because: isAnyAlive ? undefined : [noWorker()],
  };
}

async function retryDue({ nowMs, index, look }: Scene, record: StepRecord): Promise<Cause> {
  const { address, dueAtMs, reason, tries } = record;
  const attempts = attemptsOf(index, address);
  const error = errorLine(record.error);
  const of = attempts === undefined ? "" : ` of ${attempts}`;
  const why = error ? ` with ${showError(error)}` : "";
  const isOverdue = dueAtMs !== undefined && dueAtMs < nowMs;
  const isAnyAlive = (await look.workers()).length > 0;
  const when =
    dueAtMs === undefined
      ? "is to be tried again"
      : isOverdue
        ? `was due for its next try ${span(nowMs - dueAtMs)} ago`
        : `is tried again in ${span(dueAtMs - nowMs)}`;
  return {
    ...{ type: "retry-due", step: address, dueAtMs, reason, error, tries, attempts },
    sentence: `Step ${address} ${when}: try ${tries}${of} failed${why}.`,
    because: isOverdue && !isAnyAlive ? [noWorker()] : undefined,
  };
}

/** A step that has siblings before it; `isNew` when it has no record yet. */
async function waiting(scene: Scene, address: StepAddress, depth: number, isNew = false): Promise<Cause> {
  const located = find(scene.index, address);
  const parents = located ? await parentsOf(scene, located) : [];
  const open = parents.filter(({ isOpen }) => isOpen).map((parent) => parent.address);
  const title = titleOf(located?.step.kind ?? "task", address);
  const { because, left } = await behind(scene, address, open, depth);
  const names =
    open.length > 0 ? `${many(open.length, "step")}: ${listed(open)}` : "a worker to say what follows";
  const what = open.length === 1 ? `${open[0]}` : names;
  if (isNew)
    return {
      ...{ type: "not-started", step: address, because, left },
      sentence: `${title} has not begun; it waits for ${what}.`,
    };
  const of =
    parents.length > open.length && open.length > 0
      ? ` (${open.length} of its ${parents.length} parents)`
      : "";
  return {
    ...{ type: "waiting-for", step: address, open: open.slice(0, MAX_CAUSES), openCount: open.length },
    ...{ parents: parents.length, because, left },
    sentence: `${title} waits for ${what}${of}.`,
  };
}

/** What is behind a step that waits: its open parents, or at the end of a long chain what all of that waits for. */
async function behind(
  scene: Scene,
  address: StepAddress,
  open: readonly StepAddress[],
  depth: number,
): Promise<Causes> {
  if (open.length === 0) {
    const settled = await unspoken(scene, address);
    return settled.because.length > 0 ? settled : { because: [await advancing(scene, address)], left: 0 };
  }
  if (depth < MAX_CHAIN) return causesOfAll(scene, open, depth + 1);
  return causesOfAll(scene, await rootsOf(scene, open), depth + 1);
}

/** Parents that have settled, but of which nobody has said yet what follows. */
async function unspoken(scene: Scene, address: StepAddress): Promise<Causes> {
  const located = find(scene.index, address);
  const parents = located ? await parentsOf(scene, located) : [];
  return unspokenOf(
    scene,
    parents.map((parent) => parent.address),
  );
}

/** Those of some settled steps of which nobody has said yet what follows. */
export async function unspokenOf(scene: Scene, addresses: readonly StepAddress[]): Promise<Causes> {
  const because: Cause[] = [];
  for (const address of addresses) {
    if (because.length === MAX_CAUSES || scene.look.isSpent) break;
    const record = await scene.look.step(address);
    if (record && record.phase === "advance") because.push(...(await causesOf(scene, address)));
  }
  return { because: because.sort(byUrgency), left: 0 };
}

/** What some steps wait for in the end: whatever before them does not wait for yet other steps. */
async function rootsOf(scene: Scene, from: readonly StepAddress[]): Promise<StepAddress[]> {
  const seen = new Set(from);
  const roots: StepAddress[] = [];
  for (const address of seen) {
    const located = find(scene.index, address);
    const parents = located ? await parentsOf(scene, located) : [];
    const open = parents.filter(({ isOpen }) => isOpen);
    if (open.length === 0) roots.push(address);
    for (const parent of open) if (!scene.look.isSpent) seen.add(parent.address);
  }
  return roots;
}

/** A step that has no record: what has to happen first. */
async function unstarted(scene: Scene, address: StepAddress, depth: number): Promise<Cause[]> {
  const { index, record, look } = scene;
  const located = find(index, address);
  if (!located) return [unknownStep(scene, address)];
  const { step, indices } = located;
  const title = titleOf(step.kind, address);
  const owner = index.owner(step);
  if (owner) {
    const at = ownerAddress(index, step, indices);
    const above = await look.step(at);
    const count = owner.kind === "map" ? above?.count : undefined;
    if (count !== undefined && (indices.at(-1) as number) >= count)
      return [unknownStep(scene, address, `map ${at} has only ${many(count, "element")}`)];
    const isBegun = above?.state === "expanding" || (step.parents.length > 0 && above?.state === "running");
    if (!isBegun) return [notBegun(title, address, at, await causesOf(scene, at, depth))];
  }
  if (record.state === "scheduled") return [await scheduled(scene)];
  if (isOnFailure(step)) {
    const sentence = `${title} begins only when all else has settled and something has failed.`;
    return [{ type: "not-started", step: address, sentence }];
  }
  if (step.parents.length > 0) return [await waiting(scene, address, depth, true)];
  if (owner) return [await advancing(scene, address)];
  const opening = await placeCauses(scene, RUN_ADDRESS, "The run's opening");
  return [notBegun(title, address, "the run", opening)];
}

function notBegun(title: string, step: StepAddress, owner: string, because: readonly Cause[]): Cause {
  const sentence = `${title} has not begun; ${owner} has to start it.`;
  return { type: "not-started", step, sentence, because };
}

function unknownStep({ index, record }: Scene, step: StepAddress, why?: string): Cause {
  const known = index.plan.steps.map(({ name }) => name);
  const what =
    why ?? `${record.name} has ${listed(known)}; a step inside a map carries its index, as in fetch[3]`;
  return {
    ...{ type: "step-unknown", step, known: known.slice(0, MAX_CAUSES) },
    sentence: `There is no step ${step} in this run: ${what}.`,
  };
}
