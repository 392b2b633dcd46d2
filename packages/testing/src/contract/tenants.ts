import { FAIR, type Grant, type LimitUse } from "@jobbers/core";
import { expect } from "vitest";
import type { Driver, DriverOptions } from "../driver.js";
import { newRunId, type SubmissionParts, submissionOf } from "../factories.js";
import type { Bench } from "./bench.js";
import { runsOf, sole } from "./limited.js";

export const turnOf = (key: string): LimitUse => ({ limit: FAIR, key, cost: 1 });

/** Tenants and their steps in one store. */
export class Tenants {
  readonly bench: Bench;
  readonly #of = new Map<string, string>();

  constructor(bench: Bench) {
    this.bench = bench;
  }

  /** A driver whose session says that the tenants of the task `a` take turns; it lives for as long as the test. */
  worker(options: DriverOptions = {}): Promise<Driver> {
    return this.bench.driver(sole(), {
      leaseMs: 1e12,
      limits: [{ task: "a", limits: [], fairIn: "all" }],
      ...options,
    });
  }

  /** Submits single tasks of a tenant; without one they go with all others that have none. */
  async fill(key: string, n: number, parts: SubmissionParts = {}, plan = sole()): Promise<string[]> {
    const limits = key === "" ? [] : [turnOf(key)];
    const batch = Array.from({ length: n }, () =>
      submissionOf(plan, key, { id: newRunId(), limits, ...parts }),
    );
    for (const { id } of batch) this.#of.set(id, key);
    for (const { status } of await this.bench.store.submit(batch))
      expect(["created", "existing"]).toContain(status);
    return batch.map(({ id }) => id);
  }

  /** Takes so many steps, so many at a time; answers whose they were. */
  async take(worker: Driver, n: number, slots = 1): Promise<string[]> {
    const taken: string[] = [];
    for (let idle = 0; taken.length < n && idle < 3; ) {
      const grants = await worker.take(Math.min(slots, n - taken.length));
      taken.push(...this.of(grants));
      idle = grants.length === 0 ? idle + 1 : 0;
    }
    return taken;
  }

  /** Whose steps were granted. */
  of(grants: readonly Grant[]): string[] {
    return runsOf(grants).map((run) => this.#of.get(run) as string);
  }
}

/** How often each came, by name. */
export function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** That each had its part of all that was served, within 10 % and one step. */
export function expectParts(names: readonly string[], weights: Readonly<Record<string, number>>): void {
  const counts = countsOf(names);
  const sum = Object.values(weights).reduce((all, weight) => all + weight, 0);
  for (const [name, weight] of Object.entries(weights)) {
    const due = (names.length * weight) / sum;
    const said = `${name} had ${counts[name] ?? 0} of ${names.length}, ${due} are its part`;
    expect(Math.abs((counts[name] ?? 0) - due), said).toBeLessThanOrEqual(Math.max(1, due / 10));
  }
}
