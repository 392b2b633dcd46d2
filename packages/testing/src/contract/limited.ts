import type { DeclaredLimit, Grant, LimitSetting, LimitUse } from "@jobbers/core";
import type { Driver, DriverOptions } from "../driver.js";
import { fromInput, wire } from "../plans.js";
import { single } from "../sample-plans.js";
import type { Bench } from "./bench.js";

export const SECOND = 1_000;
export const rate = (n: number, perMs = SECOND, burst = 1): LimitSetting => ({ rate: n, perMs, burst });
/** One task that takes the run's input. */
export const sole = (parts: Parameters<typeof single>[0] = {}) =>
  single({ input: wire(fromInput()), ...parts });
export const slots = (n: number): LimitSetting => ({ concurrency: n });

/** A limit of the task `a`, as its code declares it. */
export const declared = (
  name: string,
  setting: LimitSetting,
  parts: Partial<DeclaredLimit> = {},
): DeclaredLimit => ({
  ...{ name, setting, isKeyed: false },
  ...parts,
});
export const use = (limit: string, key: string, cost = 1): LimitUse => ({ limit, key, cost });

/** A driver whose session says what limits the task `a` has; it lives for as long as the test. */
export async function limited(
  bench: Bench,
  limits: readonly DeclaredLimit[],
  options: DriverOptions = {},
): Promise<Driver> {
  return bench.driver(single(), { leaseMs: 1e12, limits: [{ task: "a", limits }], ...options });
}

export const runsOf = (grants: readonly Grant[]) => grants.map(({ lease }) => lease.run);

export async function submitMany(bench: Bench, n: number, parts: Parameters<Bench["submit"]>[2] = {}) {
  const runs = [];
  for (let i = 0; i < n; i++) runs.push(await bench.submit(single(), i, parts));
  return runs;
}

/** Lets time pass, and rings what is due. */
export async function pass({ clock, store }: Bench, ms: number): Promise<void> {
  clock.advance(ms);
  await store.promoteDue(500);
}
