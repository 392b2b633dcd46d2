import { isEnded, type RunRecord, type Store } from "@jobbers/core";
import { type Cause, createPlans, type ExplainStore, explain } from "@jobbers/runs";
import { twinTest } from "@jobbers/testing/contract";
import { expect, it } from "vitest";
import { onBothStores } from "./both-stores.js";

/** Counts the calls of a store. */
function counted(store: Store): { store: ExplainStore; calls: () => number } {
  let calls = 0;
  const proxy = new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        calls++;
        return member.apply(target, args);
      };
    },
  });
  return { store: proxy, calls: () => calls };
}

/** Whatever has happened to a run, each question about it has an answer, which costs no more than its plan is large. */
async function checkRun(store: Store, id: string): Promise<void> {
  const record = (await store.getRun(id)) as RunRecord | undefined;
  const plan = record && (await store.getPlan(record.plan));
  const names = plan ? (JSON.parse(plan) as { steps: { name: string }[] }).steps.map(({ name }) => name) : [];
  const { steps } = await store.listSteps(id, { limit: 20 });
  const asked = [undefined, ...new Set([...steps.map(({ address }) => address), ...names])];
  for (const step of asked) {
    const { store: watched, calls } = counted(store);
    const answer = await explain({ store: watched, plans: createPlans(watched) }, id, step);
    expect(calls()).toBeLessThanOrEqual(12 + 5 * names.length);
    expect(answer.causes.length, `${step}`).toBeGreaterThan(0);
    expect(answer.sentence).toMatch(/^[A-Z].*\.$/s);
    for (const cause of all(answer.causes)) checkCause(cause);
    if (record && isEnded(record.state) && step === undefined) expect(answer.causes[0]?.type).toBe("ended");
    // Only what has settled is told as ended, and only of what is there.
    const asRecorded = steps.find(({ address }) => address === step);
    if (asRecorded) expect(answer.state).toBe(asRecorded.state);
  }
}

function checkCause(cause: Cause): void {
  expect(cause.sentence).toMatch(/^\S.*\.$/s);
  expect(cause.sentence).not.toMatch(/undefined|NaN|null|-\d+ s/);
  expect(cause.because?.length ?? 0).toBeLessThanOrEqual(20);
  expect(cause.left ?? 0).toBeGreaterThanOrEqual(0);
}

function all(causes: readonly Cause[]): Cause[] {
  return causes.flatMap((cause) => [cause, ...all(cause.because ?? [])]);
}

onBothStores((open) => {
  it("answers whatever is asked, at any moment of any story, and looks at no more than the plan is large", async () => {
    const watch = async (store: Store, runs: readonly string[]) => {
      for (const id of runs.slice(-3)) await checkRun(store, id);
    };
    await twinTest(({ clock }) => open(clock.now), { runs: 15, commands: 30, watch });
  }, 180_000);
});
