import {
  indexPlan,
  mayRerun,
  type Plan,
  type PlanIndex,
  rerunOf,
  type Store,
  sha256Hex,
} from "@jobbers/core";
import fc from "fast-check";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import type { OpenStore } from "../contract/bench.js";
import { openDriver } from "../driver.js";
import { submissionOf } from "../factories.js";
import { createFakeClock } from "../fake-clock.js";
import type { ModelOptions } from "./index.js";
import { RANDOM_INPUT, randomPlans } from "./random-plans.js";
import { storySettings } from "./story-settings.js";

/** Whether a step fails, and else what it answers. */
type Behaviour = (address: string) => { readonly fail: string } | { readonly succeed: string };

/**
 * Runs random dags, and reruns each from a step that succeeded, with new code for that step and all that comes after it. Only these run,
 * once each; all other results stay as they are; and the run ends as one does that had the new code from the beginning.
 *
 * @example
 * test("a rerun redoes what it has to", () => rerunTest(open, { runs: 200 }), 60_000);
 */
export async function rerunTest(
  open: OpenStore,
  options: Omit<ModelOptions, "commands"> = {},
): Promise<void> {
  const plans = randomPlans.map((plan): Plan => ({ ...plan, failure: "continue" }));
  const property = fc.asyncProperty(plans, fc.nat(), fc.nat(), async (plan, salt, which) => {
    const store = await open({ clock: createFakeClock() });
    try {
      await rerunOnce(store, plan, salt, which);
    } finally {
      await store.close();
    }
  });
  await fc.assert(property, storySettings(options));
}

async function rerunOnce(store: Store, plan: Plan, salt: number, which: number): Promise<void> {
  const index = indexPlan(plan);
  const old = behaviour(index, `${salt} old`);
  const run = await submit(store, plan);
  await work(store, old);
  const before = await look(store, run);
  const roots = [...before].filter(
    ([, { name, state }]) => state === "succeeded" && mayRerun(index, index.step(name)),
  );
  const [root, { name, fence }] = roots[which % Math.max(1, roots.length)] ?? ["", { name: "", fence: 0 }];
  if (root === "") return;
  const scope = rerunOf(index, index.step(name), fence);
  const affected = new Set([name, ...scope.after.map(({ step }) => step), ...scope.inside]);
  const isAffected = (address: string) => affected.has(nameOf(address));
  const fresh = behaviour(index, `${salt} new`);
  const changed: Behaviour = (address) => (isAffected(address) ? fresh : old)(address);

  expect(await store.retry(run, { only: { rerun: scope } })).toEqual({ status: "retried" });
  const reran = await work(store, changed);
  const other = await submit(store, plan);
  const whole = await work(store, changed);

  expect(reran.filter(isNoEpilogue)).toEqual(whole.filter((each) => isNoEpilogue(each) && isAffected(each)));
  const [after, expected] = [await look(store, run), await look(store, other)];
  expect(endsOf(after)).toEqual(endsOf(expected));
  expect((await store.getRun(run))?.state).toBe((await store.getRun(other))?.state);
  // An inlined dag around the step ends anew, and has no output where it fails this time.
  for (const [address, { value, kind }] of before)
    if (kind === "task" && !isAffected(address) && isNoEpilogue(address))
      expect(after.get(address)?.value).toBe(value);
  expect(await checkAll(store)).toEqual([]);
}

/** What runs because a parent failed is judged anew where it failed itself: so only others fail here. */
function behaviour(index: PlanIndex, salt: string): Behaviour {
  return (address) => {
    const draw = Number.parseInt(sha256Hex(`${salt} ${address}`).slice(0, 2), 16);
    const mayFail = index.step(nameOf(address)).trigger === "all_success";
    return mayFail && draw < 50 ? { fail: "broken" } : { succeed: `${salt} ${address}` };
  };
}

async function submit(store: Store, plan: Plan): Promise<string> {
  const submission = submissionOf(plan, RANDOM_INPUT);
  await store.submit([submission]);
  return submission.id;
}

async function work(store: Store, script: Behaviour): Promise<string[]> {
  const driver = await openDriver(store, { serves: ["t"], script: ({ address }) => script(address) });
  await driver.finish();
  await store.closeSession(driver.session.id);
  return driver.calls.toSorted();
}

async function look(store: Store, run: string) {
  const { steps } = await store.listSteps(run, { limit: 10_000 });
  const addresses = steps.map(({ address }) => address);
  const values = await store.readValues(run, addresses.slice(0, 500));
  return new Map(steps.map((step) => [step.address, { ...step, value: values[step.address] ?? null }]));
}

/** How all ended; an onFailure body that has begun does not begin again, so these may differ. */
function endsOf(steps: Awaited<ReturnType<typeof look>>) {
  const kept = [...steps].filter(([address]) => isNoEpilogue(address));
  return Object.fromEntries(
    kept.map(([address, { state, reason, value }]) => [address, { state, reason, value }]),
  );
}

const nameOf = (address: string): string => address.replace(/\[\d+\]/g, "");
const isNoEpilogue = (address: string): boolean => !address.includes("~onFailure");
