import { connect, type Jobbers } from "jobbers";
import { percentile, type Scenario, timeMs } from "../../scenario.js";
import { wide } from "../../scenarios/workflows.js";
import { type Bed, logSlow, slowestMs } from "../bed.js";
import { controlPing, pingFigures, pingsDuring } from "../pings.js";
import { startProcess } from "../worker-process.js";

const NARROW = 1_000;

/** A very wide map: does a child cost more than in a narrow one, and does it hold up others? */
export const wideMap: Scenario<Bed> = {
  name: "map of 100,000",
  what:
    `a map whose join takes a count, one worker process at concurrency 100, against the median of five maps of ${NARROW}; ` +
    "meanwhile a process of its own pings, and Redis logs what holds it for more than 1 ms",
  async measure({ url, admin }, scale) {
    const width = Math.ceil(100_000 * scale);
    await using worker = await startProcess("jobbers", { url, concurrency: 100 });
    await worker.go();
    await using jobbers = await connect(url);
    const narrow: number[] = [];
    for (let i = 0; i < 5; i++) narrow.push(await mapMs(jobbers, NARROW));

    await logSlow(admin);
    let wideMs = 0;
    const pings = await pingsDuring(url, async () => {
      wideMs = await mapMs(jobbers, width);
    });
    const slowest = await slowestMs(admin);
    await worker.stop();
    const perChild = wideMs / width / (percentile(narrow, 50) / NARROW);
    return [
      { name: "children", value: (width / wideMs) * 1000, unit: "steps/s" },
      { name: "time per child against 1,000", value: perChild, unit: "ratio", target: { atMost: 1.3 } },
      ...pingFigures(pings),
      { name: "longest command by Redis's clock", value: slowest, unit: "ms" },
      await controlPing(url),
    ];
  },
};

function mapMs(jobbers: Jobbers, count: number): Promise<number> {
  return timeMs(async () => (await jobbers.submit(wide, { count })).result());
}
