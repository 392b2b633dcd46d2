import { isSettled, locate, mayRerun, rerunOf } from "@jobbers/core";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { isRetryable, rerunRun, retryRun } from "../machine/retrying.js";
import type { MachineRun, MachineStep } from "../machine/run.js";
import { Command } from "./command.js";
import { lettersAgree } from "./letters.js";
import { type Model, pick, type Real } from "./world.js";

/** Mostly a step that may be retried, where there is one. */
function stepFor(machine: MachineRun, which: number): MachineStep | undefined {
  const steps = [...machine.steps.values()];
  const fitting = steps.filter((step) => isRetryable(machine, step));
  return pick(which === 0 || fitting.length === 0 ? steps : fitting, which);
}

/** Somebody retries a run by hand: all of it, or where `which` says so one of its failures. */
export const retry = (at: number, which?: number) =>
  new Command(`retry run ${at}${which === undefined ? "" : `, step ${which}`}`, async (model, real) => {
    const [id, run] = pick([...model.runs], at) ?? [];
    if (id === undefined || !run) return;
    const { state } = run.machine;
    const step = which === undefined ? undefined : stepFor(run.machine, which);
    const only = step?.spec.address;
    const { status } = await real.store.retry(id, only === undefined ? {} : { only: { step: only } });
    if (state === "running" || state === "succeeded") {
      expect(status).toBe(state);
      return;
    }
    if (step && only !== undefined && !isRetryable(run.machine, step)) {
      expect(["step-unknown", "step-not-failed", "step-kept"]).toContain(status);
      return;
    }
    expect(status).toBe("retried");
    retryRun(run.machine, only);
    await agree(model, real, id);
  });

/** After a retry: what was in somebody's hands when the run ended has another fence now. */
async function agree(model: Model, real: Real, id: string): Promise<void> {
  const isOfRun = ({ grant }: Real["held"][number]) => grant.lease.run === id;
  real.late.push(...real.held.filter(isOfRun));
  real.held = real.held.filter((each) => !isOfRun(each));
  expect(await checkAll(real.store)).toEqual([]);
  const run = model.runs.get(id);
  for (const [address, seen] of run?.seen ?? []) {
    const state = run?.machine.steps.get(address)?.state;
    if (seen.settled !== state) seen.settled = undefined;
  }
  await lettersAgree(model, real);
}

/** Somebody reruns a run from a step that has come to an end, mostly one that has succeeded. */
export const rerun = (at: number, which: number) =>
  new Command(`rerun run ${at}, step ${which}`, async (model, real) => {
    const [id, run] = pick([...model.runs], at) ?? [];
    if (id === undefined || !run) return;
    const { machine, index } = run;
    const steps = [...machine.steps.values()].filter(({ spec }) => spec.address !== "");
    const step = pick(which === 0 ? steps : steps.filter(({ state }) => state === "succeeded"), which);
    const located = step && locate(index, step.spec.address);
    if (!located || !mayRerun(index, located.step)) return;
    const scope = rerunOf(index, located.step, step.fence);
    const hasEnded = step.state === "succeeded" || (isSettled(step.state) && step.reason === "body");
    const { status } = await real.store.retry(id, { only: { rerun: scope } });
    if (machine.state === "running") {
      expect(status).toBe("running");
      return;
    }
    expect(status).toBe(hasEnded ? "retried" : "step-not-succeeded");
    if (!hasEnded) return;
    rerunRun(machine, scope);
    await agree(model, real, id);
  });
