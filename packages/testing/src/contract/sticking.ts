import type { Grant, Plan } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { fromStep, mapStep, planOf, type TaskStepParts, taskStep } from "../plans.js";
import type { Bench } from "./bench.js";

export const WITHIN_MS = 10_000;

/** Two steps, the second of which sticks to the worker of the first. */
export const pair = (parts: TaskStepParts = {}): Plan =>
  planOf("pair", [taskStep("a"), taskStep("b", { after: ["a"], stickyMs: WITHIN_MS, ...parts })]);

/** A map over what a task answers, with a chain in each child; all of it is sticky. */
export const mapped = (): Plan =>
  planOf("mapped", [
    taskStep("list"),
    mapStep("c[]", fromStep("list"), { after: ["list"], stickyMs: WITHIN_MS }),
    taskStep("c", { in: "c[]", stickyMs: WITHIN_MS }),
    taskStep("d", { in: "c[]", after: ["c"], stickyMs: WITHIN_MS }),
  ]);

export const addresses = (grants: readonly Grant[]) => grants.map(({ lease }) => lease.address);

export const two = async ({ driver }: Bench, plan: Plan | readonly Plan[], queues = ["default"]) =>
  Promise.all(["one", "two"].map((worker) => driver(plan, { worker, queues }))) as Promise<[Driver, Driver]>;

/** Submits runs, of which a worker runs the first steps; answers them. */
export async function begin({ submit }: Bench, worker: Driver, ...plans: readonly Plan[]): Promise<string[]> {
  const runs: string[] = [];
  for (const [n, plan] of plans.entries()) runs.push(await submit(plan, n));
  // All at once: what sticks to it would go before the next first step.
  const firsts = await worker.take(plans.length);
  expect(firsts.map(({ lease }) => lease.run)).toEqual(runs);
  for (const grant of firsts) expect(await worker.succeed(grant)).toBe("accepted");
  return runs;
}

/** Has a worker run the first step of a run, and take nothing else. */
export async function runFirst(worker: Driver, output?: unknown): Promise<void> {
  const [first] = (await worker.take(1)) as [Grant];
  expect(await worker.succeed(first, output as string)).toBe("accepted");
}

/** Ends all sessions of a name; behind a bad line a driver may have opened two. */
export async function closeAll({ store }: Bench, name: string): Promise<void> {
  for (const { worker, session } of await store.listWorkers())
    if (worker === name) await store.closeSession(session);
}

export const depthOf = async ({ store }: Bench, queue = "default") =>
  (await store.listQueues()).find(({ name }) => name === queue)?.ready;
