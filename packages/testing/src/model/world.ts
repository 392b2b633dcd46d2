import type { Grant, PlanIndex, Store, Submission } from "@jobbers/core";
import { type Driver, openDriver } from "../driver.js";
import type { FakeClock } from "../fake-clock.js";
import type { MachineRun, MachineStep } from "../machine/run.js";

/** What the commands expect: one machine a run. */
export interface Model {
  readonly runs: Map<string, ModelRun>;
}

export interface ModelRun {
  readonly machine: MachineRun;
  readonly submission: Submission;
  readonly index: PlanIndex;
  /** The highest fence, and the end, that each step was seen with: neither may ever go back. */
  readonly seen: Map<string, { fence: number; settled?: string | undefined }>;
}

/** A grant, and who got it. */
export interface Holding {
  readonly grant: Grant;
  readonly driver: Driver;
}

/** The store under test, and what its workers have in their hands. */
export interface Real {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly drivers: Driver[];
  held: Holding[];
  /** What sessions held that were lost since. */
  late: Holding[];
}

/** How many workers there are, and how small the pages are in which they say what follows. */
const WORKERS = 2;
const PAGE = 2;

export async function createReal(store: Store, clock: FakeClock): Promise<Real> {
  const drivers = [];
  for (let n = 0; n < WORKERS; n++) drivers.push(await openWorker(store));
  return { store, clock, drivers, held: [], late: [] };
}

/** A worker whose session ends only when a command says so. */
export function openWorker(store: Store): Promise<Driver> {
  return openDriver(store, { serves: ["t"], pageLimit: PAGE, leaseMs: Number.POSITIVE_INFINITY });
}

/** The machine's run and step behind a grant. */
export function behind(model: Model, { lease }: Grant): { run: ModelRun; step: MachineStep } {
  const run = model.runs.get(lease.run);
  const step = run?.machine.steps.get(lease.address);
  if (!run || !step) throw new Error(`the store granted ${lease.address}, which the model has not reached`);
  return { run, step };
}

/** False where a rerun has taken the step away since. */
export function isThere(model: Model, { lease }: Grant): boolean {
  return model.runs.get(lease.run)?.machine.steps.has(lease.address) === true;
}

/** One of a list, by any number. */
export function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[at % list.length];
}

/** A worker no longer has it. */
export function letGo(real: Real, holding: Holding): void {
  real.held = real.held.filter((each) => each !== holding);
}
