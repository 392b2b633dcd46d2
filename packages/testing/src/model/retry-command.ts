import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { retryRun } from "../machine/retrying.js";
import { Command } from "./command.js";
import { pick } from "./world.js";

/** Somebody retries a run by hand. */
export const retry = (at: number) =>
  new Command(`retry run ${at}`, async (model, real) => {
    const [id, run] = pick([...model.runs], at) ?? [];
    if (id === undefined || !run) return;
    const { state } = run.machine;
    const { status } = await real.store.retry(id);
    if (state === "running" || state === "succeeded") {
      expect(status).toBe(state);
      return;
    }
    expect(status).toBe("retried");
    retryRun(run.machine);
    // What was in somebody's hands when the run ended has another fence now.
    const isOfRun = ({ grant }: (typeof real.held)[number]) => grant.lease.run === id;
    real.late.push(...real.held.filter(isOfRun));
    real.held = real.held.filter((each) => !isOfRun(each));
    expect(await checkAll(real.store)).toEqual([]);
    for (const seen of run.seen.values()) if (seen.settled !== "succeeded") seen.settled = undefined;
  });
