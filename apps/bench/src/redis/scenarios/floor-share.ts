import type { Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { type Bed, drainRate } from "../bed.js";
import { seedFloor } from "../floor.js";
import { submitRuns } from "../ours.js";

/** How near the engine comes to a script that does the least that any queue must do. */
export const floorShare: Scenario<Bed> = {
  name: "share of the bare floor",
  what:
    "no-op tasks of one worker process, concurrency 400 and four lanes, against four lanes of 100 of the script " +
    "apps/bench/scripts/floor.lua, which keeps no promise at all; the first 10,000 steps of each are not counted",
  async measure(bed, scale) {
    const steps = Math.ceil(100_000 * scale);
    const warming = Math.ceil(10_000 * scale);
    const order = { concurrency: 400, lanes: 4, steps, warming };
    await submitRuns(bed.url, noop, warming + steps);
    const ours = await drainRate(bed, "jobbers", order);
    await bed.admin.flushall();
    await seedFloor(bed.admin, warming + steps);
    const floor = await drainRate(bed, "floor", order);
    return [
      { name: "Jobbers", value: ours, unit: "steps/s" },
      { name: "the floor", value: floor, unit: "steps/s" },
      { name: "share", value: (ours / floor) * 100, unit: "%", target: { atLeast: 50 } },
    ];
  },
};
