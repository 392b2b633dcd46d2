import type { Scenario } from "../../scenario.js";
import { policyCost as about, comparePolicy } from "../../scenarios/policy-cost.js";
import { noop, noopWithPolicy } from "../../scenarios/workflows.js";
import { type Bed, drainRate } from "../bed.js";
import { type Numbered, submitRuns } from "../ours.js";

/** What a declared policy costs a task that never needs it. */
export const policyCost: Scenario<Bed> = {
  ...about,
  measure(bed, scale) {
    const steps = Math.ceil(50_000 * scale);
    const rate = (workflow: Numbered) => async () => {
      await bed.admin.flushall();
      await submitRuns(bed.url, workflow, steps);
      return await drainRate(bed, "jobbers", { concurrency: 100, steps });
    };
    return comparePolicy({ plain: rate(noop), declared: rate(noopWithPolicy) });
  },
};
