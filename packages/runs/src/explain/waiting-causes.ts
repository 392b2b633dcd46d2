import type { StepAddress } from "@jobbers/core";
import type { Cause } from "./cause.js";
import { listed, many } from "./figures.js";
import { type Causes, find, MAX_CAUSES, MAX_CHAIN, parentsOf, type Scene, titleOf } from "./scene.js";
import { advancing, causesOf, causesOfAll } from "./step-causes.js";
import { byUrgency } from "./urgency.js";

/** A step that has siblings before it. */
export async function waitingFor(scene: Scene, address: StepAddress, depth: number): Promise<Cause> {
  const { title, what, ...before } = await beforeOf(scene, address, depth);
  const { openCount, parents } = before;
  const of = openCount > 0 && openCount < parents ? ` (${openCount} of its ${parents} parents)` : "";
  return { type: "waiting-for", step: address, ...before, sentence: `${title} waits for ${what}${of}.` };
}

/** A step that has siblings before it, none of which has told of its end. */
export async function notReached(scene: Scene, address: StepAddress, depth: number): Promise<Cause> {
  const { title, what, ...before } = await beforeOf(scene, address, depth);
  const sentence = `${title} has not begun; it waits for ${what}.`;
  return { type: "not-started", step: address, ...before, sentence };
}

/** The parents of a step, those of them that are open, and what is behind these. */
async function beforeOf(scene: Scene, address: StepAddress, depth: number) {
  const located = find(scene.index, address);
  const parents = located ? await parentsOf(scene, located) : [];
  const open = parents.filter(({ isOpen }) => isOpen).map((parent) => parent.address);
  const what = open.length === 1 ? `${open[0]}` : `${many(open.length, "step")}: ${listed(open)}`;
  const facts = {
    title: titleOf(located?.step.kind ?? "task", address),
    what: open.length === 0 ? "a worker to say what follows" : what,
    ...{ open: open.slice(0, MAX_CAUSES), openCount: open.length, parents: parents.length },
  };
  if (open.length > 0) {
    // At the end of a long chain comes what all of that waits for.
    const next = depth < MAX_CHAIN ? open : await rootsOf(scene, open);
    return { ...facts, ...(await causesOfAll(scene, next, depth + 1)) };
  }
  const unspoken = await unspokenOf(
    scene,
    parents.map((parent) => parent.address),
  );
  const because = unspoken.because.length > 0 ? unspoken.because : [await advancing(scene, address)];
  return { ...facts, because, left: 0 };
}

/** Those of some settled steps of which nobody has said yet what follows. */
export async function unspokenOf(scene: Scene, addresses: readonly StepAddress[]): Promise<Causes> {
  const because: Cause[] = [];
  for (const address of addresses) {
    if (because.length === MAX_CAUSES || scene.look.isSpent) break;
    const record = await scene.look.step(address);
    if (record?.phase === "advance") because.push(...(await causesOf(scene, address)));
  }
  return { because: because.sort(byUrgency), left: 0 };
}

/** What some steps wait for in the end: whatever before them does not wait for yet other steps. */
async function rootsOf(scene: Scene, from: readonly StepAddress[]): Promise<StepAddress[]> {
  const seen = new Set(from);
  const roots: StepAddress[] = [];
  // What is added on the way is visited, too.
  for (const address of seen) {
    const located = find(scene.index, address);
    const parents = located ? await parentsOf(scene, located) : [];
    const open = parents.filter(({ isOpen }) => isOpen);
    if (open.length === 0) roots.push(address);
    for (const parent of open) if (!scene.look.isSpent) seen.add(parent.address);
  }
  return roots;
}
