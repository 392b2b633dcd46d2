import { PAGE_LIMIT, type Plan } from "@jobbers/core";
import { expect } from "vitest";
import { type Driver, type DriverOptions, openDriver } from "../driver.js";
import { needsOf, submissionOf } from "../factories.js";
import { CallerDied, mortalStore } from "../mortal-store.js";
import { caught, conditional, diamond, inlined, mapped, watched } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

interface Story {
  readonly plan: Plan;
  readonly input: object;
  /** How often each handler runs when nothing goes wrong. */
  readonly calls: Readonly<Record<string, number>>;
  readonly fails?: readonly string[];
  readonly state: "succeeded" | "failed";
}

const stories: readonly Story[] = [
  { plan: diamond(), input: {}, calls: { a: 1, b: 1, c: 1, d: 1 }, state: "succeeded" },
  {
    plan: mapped(),
    input: { list: [1, 2] },
    calls: { "item[0]": 1, "item[1]": 1, join: 1 },
    state: "succeeded",
  },
  {
    plan: inlined(),
    input: {},
    calls: { before: 1, "site/fetch": 1, "site/parse": 1, after: 1 },
    state: "succeeded",
  },
  { plan: conditional(), input: { flag: false }, calls: { a: 1, d: 1 }, state: "succeeded" },
  { plan: caught(), input: {}, calls: { a: 1, rescue: 1, clean: 1 }, fails: ["a"], state: "succeeded" },
  { plan: watched(), input: {}, calls: { a: 1, "~onFailure/tell": 1 }, fails: ["a"], state: "failed" },
];

export function crashes(test: BenchTest): void {
  for (const story of stories) {
    for (const moment of ["before", "after"] as const) {
      test(
        `a worker that dies ${moment} any of its calls of a ${story.plan.name} run loses nothing`,
        async (bench) => {
          for (let at = 1; at < 100; at++) {
            const survived = await dieAt(bench, story, at, moment);
            if (survived) return expect(at).toBeGreaterThan(4);
          }
          throw new Error("a worker that is never through");
        },
        { timeoutMs: 60_000 },
      );
    }
  }

  test("a client that dies before or after its submit may send it again", async (bench) => {
    for (const moment of ["before", "after"] as const) {
      const submission = submissionOf(diamond(), moment);
      const { store } = mortalStore(bench.store, 1, moment);
      await expect(store.submit([submission])).rejects.toThrow(CallerDied);
      await bench.store.submit([submission]);
      const worker = await bench.driver(diamond());
      expect(await worker.finish()).toBe(4);
      expect(await bench.runState(submission.id)).toBe("succeeded");
    }
  });
}

/**
 * One run with a worker that dies at its `at`th call, and a second one that finishes. The second may repeat only the one round
 * that the first had taken and not reported. True when the first lived to see the end.
 */
async function dieAt(bench: Bench, story: Story, at: number, moment: "before" | "after"): Promise<boolean> {
  const { plan, input } = story;
  const script: DriverOptions["script"] = ({ address }) =>
    story.fails?.includes(address) ? { fail: "broken" } : { succeed: address };
  const run = await bench.submit(plan, { ...input, at } as never);
  const options = {
    serves: needsOf(plan),
    pageLimit: Math.min(bench.pageLimit, PAGE_LIMIT),
    script,
    slots: 1,
  };
  const mortal = mortalStore(bench.store, at, moment);
  let first: Driver | undefined;
  try {
    first = await openDriver(mortal.store, options);
    await first.finish();
  } catch (error) {
    if (!(error instanceof CallerDied)) throw error;
  }
  const survived = mortal.calls < at;
  // The dead worker's session runs out; where it died while it was opened, nobody knows it, and it runs out as well.
  for (const { session } of await bench.store.listWorkers()) await bench.expire(session);
  const second = await openDriver(bench.store, options);
  await second.finish();
  await bench.store.closeSession(second.session.id);

  const calls = [...(first?.calls ?? []), ...second.calls];
  const counts: Record<string, number> = {};
  for (const address of calls) counts[address] = (counts[address] ?? 0) + 1;
  const where = `${moment} call ${at}`;
  expect(await bench.runState(run), where).toBe(story.state);
  expect(Object.keys(counts).sort(), where).toEqual(Object.keys(story.calls).sort());
  // At least once each; one slot means that at most one step was in the dead worker's hands.
  expect(calls.length - Object.keys(story.calls).length, where).toBeLessThanOrEqual(survived ? 0 : 1);
  return survived;
}
