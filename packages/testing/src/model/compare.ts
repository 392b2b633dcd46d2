import { isSettled, type Lease, type StepRecord, type StepState, type Store } from "@jobbers/core";
import { expect } from "vitest";
import type { MachineRun, MachineStep } from "../machine/run.js";
import { isDoomed, popDoomed } from "../machine/transitions.js";
import { lettersAgree } from "./letters.js";
import type { Model, ModelRun, Real } from "./world.js";

/** Compares the store with the model, run by run and step by step, and checks what must always hold. */
export async function compare(model: Model, real: Real): Promise<void> {
  const held = await heldLeases(real);
  for (const [id, run] of model.runs) {
    const records = await recordsOf(real.store, id);
    adoptPops(run.machine, records);
    await compareRun(real.store, id, run.machine);
    for (const step of run.machine.steps.values())
      compareStep(run.machine, step, records.get(step.spec.address));
    checkHistory(run, records);
    if (run.machine.state !== "running") continue;
    const inHands = [...run.machine.steps.values()].filter(({ place }) => place === "worker");
    const leases = inHands.map(({ spec, fence }) => `${spec.address}@${fence}`);
    expect(
      held
        .filter((lease) => lease.run === id)
        .map(({ address, fence }) => `${address}@${fence}`)
        .sort(),
    ).toEqual(leases.sort());
    if (!run.machine.cancelling) await compareCounts(real.store, id, run.machine, records);
  }
  await lettersAgree(model, real);
}

/** When a store pops a step that a stop has doomed is its own affair: the model follows what it sees. */
export async function adopt(model: Model, store: Store): Promise<void> {
  for (const [id, run] of model.runs)
    if (run.machine.stopped) adoptPops(run.machine, await recordsOf(store, id));
}

function adoptPops(run: MachineRun, records: ReadonlyMap<string, StepRecord>): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const step of run.steps.values()) {
      if (!isDoomed(run, step) || records.get(step.spec.address)?.state !== "cancelled") continue;
      popDoomed(run, step);
      changed = true;
    }
  }
}

async function compareRun(store: Store, id: string, { state, cancelling, body }: MachineRun): Promise<void> {
  const record = await store.getRun(id);
  expect({
    state: record?.state,
    cancelling: record?.cancelling,
    failed: record?.failure !== undefined,
  }).toEqual({
    ...{ state, cancelling, failed: body.failure !== undefined },
  });
  if (body.failure) expect(JSON.parse(record?.failure as string).step).toBe(body.failure.step);
}

function compareStep(run: MachineRun, step: MachineStep, record: StepRecord | undefined): void {
  const { address } = step.spec;
  if (isSettled(step.state)) {
    expect(shown(record), address).toEqual({ state: step.state, reason: step.reason, fence: step.fence });
  } else if (run.state !== "running") {
    // A run that ended has nothing that goes on; what did not start reads as cancelled.
    expect([undefined, "cancelled"], `${address} of an ended run`).toContain(record?.state);
  } else if (!run.cancelling) {
    const { state, fence, tries, lost } = step;
    expect(
      { ...shown(record), reason: undefined, tries: record?.tries, lost: record?.lost },
      address,
    ).toEqual({
      ...{ state, fence, tries, lost },
    });
    const { body } = step;
    if (body && state === "expanding")
      expect([record?.members, record?.settled]).toEqual([body.members, body.settled]);
  }
}

const shown = (record: StepRecord | undefined) => ({
  state: record?.state,
  reason: record?.reason,
  fence: record?.fence,
});

/** A fence only grows, and a step that has settled never changes. */
function checkHistory(run: ModelRun, records: ReadonlyMap<string, StepRecord>): void {
  for (const [address, { fence, state }] of records) {
    const before = run.seen.get(address);
    expect(fence, `fence of ${address}`).toBeGreaterThanOrEqual(before?.fence ?? 0);
    if (before?.settled !== undefined) expect(state, `${address} had settled`).toBe(before.settled);
    run.seen.set(address, { fence, settled: isSettled(state) ? state : undefined });
  }
}

async function compareCounts(
  store: Store,
  id: string,
  run: MachineRun,
  records: ReadonlyMap<string, StepRecord>,
) {
  const expected: Record<string, Partial<Record<StepState, number>>> = {};
  for (const step of run.steps.values()) {
    const state = (records.get(step.spec.address) as StepRecord).state;
    const counts = expected[step.spec.name] ?? {};
    expected[step.spec.name] = { ...counts, [state]: (counts[state] ?? 0) + 1 };
  }
  const counted = (await store.countSteps(id)).map(({ name, counts }) => [name, counts] as const);
  expect(Object.fromEntries(counted)).toEqual(expected);
  expect(counted).toHaveLength(Object.keys(expected).length);
}

async function recordsOf(store: Store, run: string): Promise<Map<string, StepRecord>> {
  const records = new Map<string, StepRecord>();
  let after: string | undefined;
  do {
    const page = await store.listSteps(run, { after, limit: 500 });
    for (const record of page.steps) records.set(record.address, record);
    after = page.next;
  } while (after !== undefined);
  return records;
}

async function heldLeases({ store, drivers }: Real): Promise<Lease[]> {
  return (await Promise.all(drivers.map(({ session }) => store.listHeld(session.id)))).flat();
}
