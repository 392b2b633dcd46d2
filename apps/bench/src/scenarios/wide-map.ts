import { join } from "node:path";
import { connect } from "jobbers";
import { type Scenario, timeMs } from "../scenario.js";
import { wide } from "./workflows.js";

/** A very wide map: does the process grow with it, and does a child cost more than in a narrow one? */
export const wideMap: Scenario = {
  name: "wide map",
  what: "a map of 100,000 no-op children whose join takes a count, one worker, concurrency 100; memory is the process's resident set",
  async measure(folder, scale) {
    const width = Math.ceil(100_000 * scale);
    await using jobbers = await connect(`sqlite:${join(folder, "bench.db")}`);
    const worker = jobbers.worker({ workflows: [wide], concurrency: 100 });
    await worker.start();
    const narrow = Math.max(1, Math.ceil(width / 100));
    const narrowMs = await timeMs(async () => (await jobbers.submit(wide, { count: narrow })).result());

    const run = await jobbers.submit(wide, { count: width });
    let atTenth = 0;
    let peak = 0;
    // Sampled by time, because it is the process that is watched, not the run.
    const sampler = setInterval(async () => {
      const done = (await run.progress()).find((step) => step.name === "noop")?.counts.succeeded ?? 0;
      const mib = process.memoryUsage.rss() / 2 ** 20;
      if (done < width / 10) atTenth = Math.max(atTenth, mib);
      else peak = Math.max(peak, mib);
    }, 100);
    const wideMs = await timeMs(() => run.result());
    clearInterval(sampler);
    await worker.stop();
    return [
      { name: "children", value: (width / wideMs) * 1000, unit: "steps/s" },
      { name: "memory in the first tenth", value: atTenth, unit: "MiB" },
      { name: "memory after that, at most", value: peak, unit: "MiB" },
      { name: "memory growth after the first tenth", value: peak / atTenth, unit: "ratio" },
      {
        name: "time per child, against a map of 1,000",
        value: wideMs / width / (narrowMs / narrow),
        unit: "ratio",
      },
    ];
  },
};
