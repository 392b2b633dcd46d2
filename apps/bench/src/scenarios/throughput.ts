import { join } from "node:path";
import { type AnyWorkflow, connect, type Jobbers, type Workflow } from "jobbers";
import { type Scenario, timeMs } from "../scenario.js";
import { comparePolicy, policyCost } from "./policy-cost.js";
import { chain, diamond, noop, noopWithPolicy } from "./workflows.js";

const CONCURRENCY = 100;

/** A workflow whose input is a number. */
export type Numbered = AnyWorkflow & Workflow<{ n: number }, unknown>;

/** Submits single-task runs in calls of 500, with nobody working. */
export const bulkSubmit: Scenario = {
  name: "bulk submit",
  what: "submitMany of 500 single-task runs a call, no worker",
  async measure(folder, scale) {
    const runs = Math.ceil(50_000 * scale);
    await using jobbers = await open(folder);
    const ms = await timeMs(() => submitAll(jobbers, noop, runs));
    return [{ name: "submitted", value: (runs / ms) * 1000, unit: "runs/s", target: { atLeast: 20_000 } }];
  },
};

/** Works through runs that were submitted before. */
export const noopSteps: Scenario = {
  name: "no-op steps",
  what: `single-task runs submitted before, one worker, concurrency ${CONCURRENCY}, results stored`,
  async measure(folder, scale) {
    const value = await drainRate(folder, noop, Math.ceil(50_000 * scale), 1);
    return [{ name: "done", value, unit: "steps/s", target: { atLeast: 10_000 } }];
  },
};

/** What a declared policy costs a task that never needs it. */
export const declaredPolicy: Scenario = {
  ...policyCost,
  measure(folder, scale) {
    let turn = 0;
    const rate = (workflow: Numbered) => () =>
      drainRate(join(folder, `${++turn}`), workflow, Math.ceil(25_000 * scale), 1);
    return comparePolicy({ plain: rate(noop), declared: rate(noopWithPolicy) });
  },
};

export const chains: Scenario = {
  name: "chains of 5",
  what: `dag runs of five steps in a row, one worker, concurrency ${CONCURRENCY}`,
  async measure(folder, scale) {
    const runs = Math.ceil(5_000 * scale);
    return [
      {
        name: "handed straight on",
        value: await drainRate(join(folder, "a"), chain, runs, 5),
        unit: "steps/s",
      },
      {
        name: "queued each time",
        value: await drainRate(join(folder, "b"), chain, runs, 5, false),
        unit: "steps/s",
      },
    ];
  },
};

export const diamonds: Scenario = {
  name: "diamonds of 4",
  what: `dag runs of four steps with a join, one worker, concurrency ${CONCURRENCY}`,
  async measure(folder, scale) {
    return [
      { name: "done", value: await drainRate(folder, diamond, Math.ceil(5_000 * scale), 4), unit: "steps/s" },
    ];
  },
};

/** Steps per second from the worker's start to the last run's end. */
async function drainRate(
  folder: string,
  workflow: Numbered,
  runs: number,
  stepsEach: number,
  inline = true,
): Promise<number> {
  await using jobbers = await open(folder);
  const last = await submitAll(jobbers, workflow, runs);
  const worker = jobbers.worker({ workflows: [workflow], concurrency: CONCURRENCY, inline });
  const ms = await timeMs(async () => {
    await worker.start();
    // Lines are first in, first out, so the last runs end last; a whole slot-full of them may end in any order.
    await Promise.all(last.map((id) => jobbers.run(id).result()));
  });
  await worker.stop();
  return ((runs * stepsEach) / ms) * 1000;
}

/** Submits runs in calls of 500; answers the ids of the last call. */
export async function submitAll(jobbers: Jobbers, workflow: Numbered, runs: number): Promise<string[]> {
  let ids: string[] = [];
  for (let from = 0; from < runs; from += 500) {
    const batch = Array.from({ length: Math.min(500, runs - from) }, (_, i) => ({ input: { n: from + i } }));
    const results = await jobbers.submitMany(workflow, batch);
    ids = results.map((result) => {
      if (result.status !== "created") throw new Error(`a run was not created: ${JSON.stringify(result)}`);
      return result.id;
    });
  }
  return ids;
}

function open(folder: string): Promise<Jobbers> {
  return connect(`sqlite:${join(folder, "bench.db")}`);
}
