import { connect } from "jobbers";
import { percentile, type Scenario } from "../../scenario.js";
import { longChain } from "../../scenarios/workflows.js";
import type { Bed } from "../bed.js";
import { startProcess } from "../worker-process.js";

/** What the engine adds between two steps. */
export const stepOverhead: Scenario<Bed> = {
  name: "chain of 40",
  what:
    "one run of forty steps at a time, nothing inlined, one worker process; from a handler's return to the first line of " +
    "the next",
  async measure({ url }, scale) {
    const runs = Math.ceil(50 * scale);
    const order = { url, concurrency: 10, inline: false, steps: runs * 40, starts: true };
    await using worker = await startProcess("jobbers", order);
    await worker.go();
    await using jobbers = await connect(url);
    for (let n = 0; n < runs; n++) await (await jobbers.submit(longChain, { n })).result();
    const { gapsMs } = await worker.told("done");
    return [
      { name: "overhead per step, p50", value: percentile(gapsMs, 50), unit: "ms", target: { atMost: 1 } },
      { name: "p99", value: percentile(gapsMs, 99), unit: "ms" },
    ];
  },
};
