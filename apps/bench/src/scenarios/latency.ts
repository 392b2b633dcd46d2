import { join } from "node:path";
import { connect, task } from "jobbers";
import { z } from "zod";
import { percentile, type Scenario } from "../scenario.js";

/** From before the submit to the first line of the handler, on a worker that has nothing else to do. */
export const submitToStart: Scenario = {
  name: "submit to start",
  what: "one run at a time on an idle worker of the same process, from the call of submit to the handler's first line",
  async measure(folder, scale) {
    let started: (at: number) => void = () => {};
    const probe = task({
      name: "probe",
      input: z.object({ n: z.number() }),
      async run() {
        started(performance.now());
        return null;
      },
    });
    await using jobbers = await connect(`sqlite:${join(folder, "bench.db")}`);
    const worker = jobbers.worker({ workflows: [probe], concurrency: 10 });
    await worker.start();
    const samples: number[] = [];
    for (let n = 0; n < Math.ceil(500 * scale); n++) {
      const start = new Promise<number>((resolve) => {
        started = resolve;
      });
      const from = performance.now();
      const run = await jobbers.submit(probe, { n });
      samples.push((await start) - from);
      await run.result();
    }
    await worker.stop();
    return [
      { name: "p50", value: percentile(samples, 50), unit: "ms" },
      { name: "p99", value: percentile(samples, 99), unit: "ms" },
    ];
  },
};
