import { connect } from "jobbers";
import { type Scenario, timeMs } from "../../scenario.js";
import { pagedJoin } from "../../scenarios/workflows.js";
import { type Bed, logSlow, slowestMs } from "../bed.js";
import { controlPing, pingFigures, pingsDuring } from "../pings.js";
import { startProcess } from "../worker-process.js";

/** A very wide map of results that together no process could hold: a join that takes them page by page. */
export const pagedJoinOf: Scenario<Bed> = {
  name: "join of 200,000 × 1 KiB",
  what:
    "a map whose children answer 1 KiB each, and a join that takes all of them by items(), one worker process at concurrency 100; " +
    "meanwhile a process of its own pings",
  async measure({ url, admin }, scale) {
    const width = Math.ceil(200_000 * scale);
    await using worker = await startProcess("jobbers", { url, concurrency: 100 });
    await worker.go();
    await using jobbers = await connect(url);
    await logSlow(admin);
    let chars = 0;
    let ms = 0;
    const pings = await pingsDuring(url, async () => {
      ms = await timeMs(async () => {
        const run = await jobbers.submit(pagedJoin, { count: width });
        ({ chars } = await run.result());
      });
    });
    if (chars !== width * 1_024) throw new Error(`the join saw ${chars} characters of ${width * 1_024}`);
    const slowest = await slowestMs(admin);
    await worker.stop();
    const { mib } = await worker.told("peaked");
    const memory = /used_memory_peak:(\d+)/.exec(await admin.info("memory"))?.[1];
    return [
      { name: "children, the join included", value: (width / ms) * 1000, unit: "steps/s" },
      { name: "the worker's memory at its peak", value: mib, unit: "MiB", target: { atMost: 300 } },
      ...pingFigures(pings),
      { name: "longest command by Redis's clock", value: slowest, unit: "ms" },
      { name: "Redis's memory at its peak", value: Number(memory) / 2 ** 20, unit: "MiB" },
      await controlPing(url),
    ];
  },
};
