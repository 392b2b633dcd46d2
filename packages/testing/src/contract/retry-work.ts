import type { JsonValue, Plan } from "@jobbers/core";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import type { Act } from "../driver.js";
import type { SubmissionParts } from "../factories.js";
import type { Bench } from "./bench.js";

/** What tests of `retry` do again and again. */

/** What becomes of some steps, by address; all others succeed with their address. */
export type Acts = Readonly<Record<string, Act>>;

/** Does all that can be done, and answers the addresses of the steps that ran, sorted. */
export async function work(bench: Bench, plan: Plan, acts: Acts = {}): Promise<string[]> {
  const script = ({ address }: { address: string }): Act => acts[address] ?? { succeed: address };
  const worker = await bench.driver(plan, { script });
  await worker.finish();
  await bench.store.closeSession(worker.session.id);
  return [...worker.calls].sort();
}

/** Submits a run and does all that can be done. */
export async function begin(
  bench: Bench,
  plan: Plan,
  acts: Acts = {},
  { input = null, ...parts }: Omit<SubmissionParts, "input"> & { readonly input?: JsonValue } = {},
) {
  const run = await bench.submit(plan, input, parts);
  return { run, calls: await work(bench, plan, acts) };
}

/** Retries a run; where the call is repeated, the second answer is that it goes on. */
export async function retry({ store, faulty }: Bench, run: string): Promise<void> {
  expect(faulty ? ["retried", "running"] : ["retried"]).toContain((await store.retry(run)).status);
  expect(await store.getRun(run)).toMatchObject({ state: "running", cancelling: false });
  expect(await checkAll(store)).toEqual([]);
}
