import { type AnyDag, type Plan, sha256Hex } from "@jobbers/core";
import fc from "fast-check";
import { expect } from "vitest";
import type { OpenStore } from "../contract/bench.js";
import { openDriver } from "../driver.js";
import { submissionOf } from "../factories.js";
import { createFakeClock } from "../fake-clock.js";
import { settleDag } from "../run-dag.js";
import type { ModelOptions } from "./index.js";
import { RANDOM_INPUT, randomPlans } from "./random-plans.js";
import { storySettings } from "./story-settings.js";

/**
 * Runs random dags once with `runDag` and once on a store, with the same steps failing, and compares how everything ended.
 *
 * @example
 * test("runDag agrees with the store", () => agreementTest(open, { runs: 200 }), 60_000);
 */
export async function agreementTest(
  open: OpenStore,
  options: Omit<ModelOptions, "commands"> = {},
): Promise<void> {
  const property = fc.asyncProperty(randomPlans, fc.nat(), async (plan, salt) => {
    const fails = (address: string) => Number.parseInt(sha256Hex(`${salt} ${address}`).slice(0, 2), 16) < 70;
    const [inMemory, inStore] = [await runInMemory(plan, fails), await runInStore(open, plan, fails)];
    // In mode `stop` it depends on the order which steps a failure still finds unstarted, but never how the run ends.
    if (plan.failure === "stop") expect(inMemory.state).toBe(inStore.state);
    else expect(inMemory).toEqual(inStore);
  });
  await fc.assert(property, storySettings(options));
}

interface Ending {
  readonly state: string | undefined;
  readonly failed: boolean;
  readonly steps: Readonly<Record<string, { readonly state: string; readonly reason: string | undefined }>>;
}

async function runInMemory(plan: Plan, fails: (address: string) => boolean): Promise<Ending> {
  const workflow = {
    kind: "dag",
    name: plan.name,
    plan,
    tasks: new Map(),
    dags: new Map(),
  } as unknown as AnyDag;
  const t = (_: unknown, ctx: { step: string }) => {
    if (fails(ctx.step)) throw new Error("broken");
    return null;
  };
  const { state, steps } = await settleDag(workflow, RANDOM_INPUT, { tasks: { t: t as never } });
  const entries = Object.entries(steps).map(([address, { state, reason }]) => [address, { state, reason }]);
  return { state, failed: state === "failed", steps: Object.fromEntries(entries) };
}

async function runInStore(open: OpenStore, plan: Plan, fails: (address: string) => boolean): Promise<Ending> {
  const store = await open({ clock: createFakeClock() });
  try {
    const submission = submissionOf(plan, RANDOM_INPUT);
    await store.submit([submission]);
    const script = ({ address }: { address: string }) =>
      fails(address) ? { fail: "broken" } : { succeed: null };
    await (await openDriver(store, { serves: ["t"], script })).finish();
    const record = await store.getRun(submission.id);
    const { steps } = await store.listSteps(submission.id, { limit: 10_000 });
    const entries = steps.map(({ address, state, reason }) => [address, { state, reason }]);
    return {
      state: record?.state,
      failed: record?.failure !== undefined,
      steps: Object.fromEntries(entries),
    };
  } finally {
    await store.close();
  }
}
