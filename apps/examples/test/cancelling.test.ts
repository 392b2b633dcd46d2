import { join } from "node:path";
import { connect, type Jobbers, task } from "jobbers";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "./fixture-project.js";
import { startRedis } from "./redis-server.js";

const ROUNDS = 15;
const TYPICAL_MS = 250;

const stores: [string, (folder: string) => Promise<string>][] = [
  ["SQLite", async (folder) => `sqlite:${join(folder, "jobs.db")}`],
  ["Redis", startRedis],
];

/** A connection that is closed with the test. */
async function connected(url: string): Promise<Jobbers> {
  const jobbers = await connect(url);
  onTestFinished(() => jobbers.close());
  return jobbers;
}

describe.each(stores)("a run that is cancelled on %s", (_, urlOf) => {
  it.each([
    ["with room for more", 10],
    ["with every slot busy", 1],
  ])(
    "reaches the signal of its handler in a worker %s within 250 ms, as a rule",
    async (_name, concurrency) => {
      const url = await urlOf(await temporaryFolder());
      const [here, there] = [await connected(url), await connected(url)];
      let started = () => {};
      let aborted = (_atMs: number) => {};
      const patient = task({
        name: "patient",
        run: (_, { signal }) =>
          new Promise<null>((_, reject) => {
            signal.addEventListener("abort", () => {
              aborted(performance.now());
              reject(signal.reason);
            });
            started();
          }),
      });
      const worker = there.worker({ workflows: [patient], concurrency });
      await worker.start();
      const tookMs: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const isStarted = new Promise<void>((resolve) => (started = resolve));
        const isAborted = new Promise<number>((resolve) => (aborted = resolve));
        const run = await here.submit(patient);
        await isStarted;
        const fromMs = performance.now();
        await run.cancel();
        tookMs.push((await isAborted) - fromMs);
        await expect(run.result()).rejects.toMatchObject({ code: "run-cancelled" });
      }
      tookMs.sort((a, b) => a - b);
      console.log(
        `cancel to signal, ms: median ${tookMs[7]?.toFixed(1)}, longest ${tookMs.at(-1)?.toFixed(1)}`,
      );
      expect(tookMs[Math.floor(ROUNDS / 2)]).toBeLessThan(TYPICAL_MS);
    },
  );
});
