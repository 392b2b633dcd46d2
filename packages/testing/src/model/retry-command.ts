import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { isRetryable, retryRun } from "../machine/retrying.js";
import type { MachineRun, MachineStep } from "../machine/run.js";
import { Command } from "./command.js";
import { lettersAgree } from "./letters.js";
import { pick } from "./world.js";

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
    // What was in somebody's hands when the run ended has another fence now.
    const isOfRun = ({ grant }: (typeof real.held)[number]) => grant.lease.run === id;
    real.late.push(...real.held.filter(isOfRun));
    real.held = real.held.filter((each) => !isOfRun(each));
    expect(await checkAll(real.store)).toEqual([]);
    for (const seen of run.seen.values()) if (seen.settled !== "succeeded") seen.settled = undefined;
    await lettersAgree(model, real);
  });
