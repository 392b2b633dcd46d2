import {
  dag,
  isEnded,
  type Plan,
  type RunRecord,
  type StepRecord,
  type StepState,
  type Store,
  task,
} from "@jobbers/core";
import { type Cause, createFeed, createPlans, type Explanation, explain } from "@jobbers/runs";
import { turns } from "@jobbers/testing";
import { storyTest } from "@jobbers/testing/contract";
import { expect, it } from "vitest";
import { z } from "zod";
import { createJobbers } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";
import { countedStore } from "./counted-store.js";

/** Whatever has happened to a run, each question about it has an answer, which costs no more than its plan is large. */
async function checkRun(store: Store, id: string): Promise<void> {
  const record = await store.getRun(id);
  const plan = record && (await store.getPlan(record.plan));
  const names = plan ? (JSON.parse(plan) as Plan).steps.map(({ name }) => name) : [];
  const { steps } = await store.listSteps(id, { limit: 100 });
  const asked = [undefined, ...new Set([...steps.map(({ address }) => address), ...names])];
  const ask = async (step: string | undefined) => {
    const { store: watched, calls } = countedStore(store);
    const answer = await explain({ store: watched, plans: createPlans(watched) }, id, step);
    expect(calls()).toBeLessThanOrEqual(12 + 5 * names.length);
    expect(answer.causes.length, `${step}`).toBeGreaterThan(0);
    expect(answer.sentence).toMatch(/^[A-Z].*\.$/s);
    for (const cause of all(answer.causes)) checkCause(cause, steps);
    const recorded = steps.find(({ address }) => address === step);
    if (recorded) expect(answer.state).toBe(recorded.state);
    if (record && step === undefined) checkWhole(record, steps, answer);
  };
  await Promise.all(asked.map(ask));
}

/** Which states a step may be in of which a cause tells. */
const statesOf: Partial<Record<Cause["type"], readonly StepState[]>> = {
  running: ["running"],
  expanding: ["running"],
  "session-lost": ["running"],
  "in-line": ["ready"],
  "retry-due": ["waiting"],
  "waiting-for": ["blocked"],
  "body-open": ["expanding"],
  ended: ["succeeded", "failed", "skipped", "cancelled"],
};

/** What a cause says is what the records say. */
function checkCause(cause: Cause, steps: readonly StepRecord[]): void {
  const { type, sentence, because = [], left = 0 } = cause;
  expect(sentence).toMatch(/^\S.*\.$/s);
  expect(sentence).not.toMatch(/undefined|NaN|null|-\d+ s/);
  expect(because.length).toBeLessThanOrEqual(20);
  expect(left).toBeGreaterThanOrEqual(0);
  // Nobody does anything while it looks, so nothing is between two steps.
  expect(type).not.toBe("advancing");
  const step = steps.find(({ address }) => "step" in cause && address === cause.step);
  if (type === "not-started" || type === "step-unknown") expect(step).toBeUndefined();
  const isAdvance = "work" in cause && cause.work === "advance";
  if (step && isAdvance) expect(step.phase).toBe("advance");
  else if (step && statesOf[type]) expect(statesOf[type]).toContain(step.state);
}

/** Of a run that goes on, all that does not wait for other steps is told, unless it says that it leaves something out. */
function checkWhole(record: RunRecord, steps: readonly StepRecord[], answer: Explanation): void {
  if (isEnded(record.state)) {
    expect(answer.causes[0]?.type).toBe("ended");
    return;
  }
  const told = all(answer.causes);
  if (answer.left > 0 || told.some(({ left = 0 }) => left > 0)) return;
  const states = record.cancelling ? ["running"] : ["running", "ready", "waiting"];
  const open = steps.filter(({ state }) => states.includes(state)).map(({ address }) => address);
  if (record.state === "scheduled") expect(told.map(({ type }) => type)).toEqual(["scheduled"]);
  else expect(told.map((cause) => "step" in cause && cause.step)).toEqual(expect.arrayContaining(open));
}

function all(causes: readonly Cause[]): Cause[] {
  return causes.flatMap((cause) => [cause, ...all(cause.because ?? [])]);
}

onBothStores((open) => {
  it("answers whatever is asked, at any moment of any story, and looks at no more than the plan is large", async () => {
    const watch = async (store: Store, runs: readonly string[]) => {
      for (const id of runs.slice(-2)) await checkRun(store, id);
    };
    await storyTest(({ clock }) => open(clock.now), { runs: 15, commands: 30, watch });
  }, 180_000);

  it("answers while everything goes on", async () => {
    const store = await open();
    await using jobbers = createJobbers({ store, feed: createFeed(store) });
    /** Handlers that wait for the next look, so that there are as many of these as there is to be seen. */
    const waiting: (() => void)[] = [];
    const pass = task({
      name: "pass",
      input: z.object({ n: z.number() }),
      run: ({ n }) => new Promise<number>((resolve) => waiting.push(() => resolve(n))),
    });
    const flow = dag("flow", { input: z.object({ list: z.array(z.number()) }) }, ({ list }) => {
      const passed = list.map((n) => pass({ n: pass({ n }, { name: "before" }) }));
      return pass({ n: 1 }, { name: "join", after: [passed] });
    });
    const list = Array.from({ length: 20 }, (_, n) => n);
    await jobbers.worker({ workflows: [flow], concurrency: 3 }).start();
    const told = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const run = await jobbers.submit(flow, { list });
      const ended = run.result();
      for (let look = 0; look < 2_000; look++) {
        // A store in memory answers at once: without this nobody but who looks would have a turn.
        await turns();
        for (const goOn of waiting.splice(0)) goOn();
        const answers = await Promise.all([run.explain(), run.explain("join"), run.explain("pass[7]")]);
        for (const { causes } of answers) {
          expect(causes.length).toBeGreaterThan(0);
          for (const { type } of all(causes)) told.add(type);
        }
        if (answers[0].state === "succeeded") break;
      }
      await ended;
    }
    for (const type of ["running", "body-open", "ended"]) expect([...told]).toContain(type);
  });
});
