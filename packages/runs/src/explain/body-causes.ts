import {
  addressOf,
  isSettled,
  type PlanStep,
  parseAddress,
  type StepAddress,
  type StepRecord,
  type StepState,
} from "@jobbers/core";
import type { BodyCause, Cause } from "./cause.js";
import { figure, listed } from "./figures.js";
import { type Causes, MAX_CAUSES, openStates, type Scene, stateOf, titleOf } from "./scene.js";
import { advancing, causesOfAll } from "./step-causes.js";
import { unspokenOf } from "./waiting-causes.js";

/** How many steps of one name inside a map are told of. */
const MAX_SAME = 3;

/** States in which something of a body goes on by itself. */
const livelyStates = [...openStates, "expanding"] as const;

/** A map or an inlined dag whose body has not settled. */
export async function openBody(scene: Scene, record: StepRecord, depth: number): Promise<Cause> {
  const { address, count, members = 0, settled = 0 } = record;
  const kind = record.kind === "map" ? "map" : "dag";
  const step = scene.index.step(record.name);
  const { indices } = parseAddress(address);
  const { because, left } =
    kind === "map"
      ? await openInstances(scene, { step, indices, record, depth })
      : await openMembers(scene, step.name, indices, depth);
  const open = indices.length === 0 ? await openCounts(scene, step.name) : undefined;
  const body: BodyCause = { type: "body-open", step: address, kind, settled, members, count, open };
  const elements = count === undefined ? "" : ` (${figure(count)} elements)`;
  const title = titleOf(kind, address);
  const done = `${figure(settled)} of the ${figure(members)} steps in its body have settled${elements}`;
  return { ...body, sentence: `${title} goes on: ${done}${open ? inStates(open) : ""}.`, because, left };
}

/** How many of a body's members are in each state that is no end. */
async function openCounts({ look, index }: Scene, owner: string): Promise<NonNullable<BodyCause["open"]>> {
  const all = await look.counts();
  const sums: Partial<Record<StepState, number>> = {};
  for (const { name } of index.members(owner)) {
    for (const [state, n] of Object.entries(all.get(name) ?? {}) as [StepState, number][])
      if (!isSettled(state)) sums[state] = (sums[state] ?? 0) + n;
  }
  return sums;
}

/** States as a sentence has them, in the order in which they are told. */
const inWords = [
  ["running", "running"],
  ["ready", "in line"],
  ["waiting", "waiting for an instant"],
  ["expanding", "going on in bodies of their own"],
] as const satisfies readonly (readonly [StepState, string])[];

function inStates(open: NonNullable<BodyCause["open"]>): string {
  const parts = inWords.flatMap(([state, words]) => (open[state] ? [`${figure(open[state])} ${words}`] : []));
  return parts.length === 0 ? "" : `; ${listed(parts)}`;
}

/** What goes on among the members of the run's own body (`owner` undefined), or of an inlined dag's. */
export async function openMembers(
  scene: Scene,
  owner: string | undefined,
  indices: readonly number[],
  depth = 0,
): Promise<Causes> {
  const { index } = scene;
  const epilogue = index.onFailure(owner);
  const members = [...index.members(owner), ...(epilogue ? [epilogue] : [])];
  const lively: StepAddress[] = [];
  const settled: PlanStep[] = [];
  for (const step of members) {
    const state = await stateOf(scene, step, indices);
    if (isLively(state)) lively.push(addressOf(index, step, indices));
    else if (state !== undefined && isSettled(state)) settled.push(step);
  }
  const found = await causesOfAll(scene, lively, depth);
  if (found.because.length > 0) return found;
  const mute = settled.filter(
    ({ name, trigger }) => index.dependents(name).length > 0 || trigger === "one_failed",
  );
  const unspoken = await unspokenOf(
    scene,
    mute.map((step) => addressOf(index, step, indices)),
  );
  return unspoken.because.length > 0 ? unspoken : { because: [await advancing(scene)], left: 0 };
}

function isLively(state: StepState | undefined): boolean {
  return state !== undefined && (livelyStates as readonly StepState[]).includes(state);
}

interface Instances {
  readonly step: PlanStep;
  readonly indices: readonly number[];
  readonly record: StepRecord;
  readonly depth: number;
}

/** What goes on in the instances of a map's body: the first few of each name. */
async function openInstances(scene: Scene, map: Instances): Promise<Causes> {
  const { index, look } = scene;
  const { members = 0, settled = 0 } = map.record;
  const found: StepRecord[] = [];
  for (const step of index.members(map.step.name)) {
    if (found.length > 0 && (look.isSpent || found.length >= MAX_CAUSES)) break;
    found.push(...(await someOf(scene, map, step, livelyStates)));
  }
  if (found.length === 0) found.push(...(await muteOf(scene, map)));
  const addresses = found.map(({ address }) => address);
  if (addresses.length === 0) return { because: [await advancing(scene, map.record.address)], left: 0 };
  return causesOfAll(scene, addresses, map.depth, Math.max(addresses.length, members - settled));
}

/** Steps of one name, in the instances of a map, that are in certain states. */
async function someOf(
  { look, index }: Scene,
  { indices, record }: Instances,
  step: PlanStep,
  states: readonly StepState[],
): Promise<StepRecord[]> {
  const counts = (await look.counts()).get(step.name) ?? {};
  const there = states.filter((state) => (counts[state] ?? 0) > 0);
  if (there.length === 0) return [];
  const first = addressOf(index, step, [...indices, 0]);
  const prefix = first.slice(0, first.lastIndexOf("[0]") + 1);
  // Steps are taken in about the order of the list, so what is open is likely where the settled ones end.
  const { count = 0, members = 0, settled = 0 } = record;
  const reached = Math.floor((count * settled) / Math.max(1, members)) - LEAD;
  const near = reached > LEAD ? `${prefix}${reached}` : undefined;
  return look.some({ name: step.name, prefix, near, states: there, limit: MAX_SAME });
}

/** How far before the likely end of what has settled one begins to look. */
const LEAD = 100;

/** Settled steps in the instances of which nobody has said yet what follows. */
async function muteOf(scene: Scene, map: Instances): Promise<StepRecord[]> {
  const found: StepRecord[] = [];
  for (const step of scene.index.members(map.step.name)) {
    if (scene.look.isSpent) break;
    found.push(...(await someOf(scene, map, step, ["skipped", "cancelled", "failed", "succeeded"])));
  }
  return found.filter(({ phase }) => phase === "advance");
}
