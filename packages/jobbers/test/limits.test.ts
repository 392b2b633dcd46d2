import { connect, task } from "jobbers";
import { expect, it, onTestFinished } from "vitest";
import { startRedis } from "./redis-server.js";

/** Steps of a task, one every 20 ms, on a store of one kind; answers when they started. */
async function startsOn(url: string): Promise<number[]> {
  const jobbers = await connect(url);
  onTestFinished(() => jobbers.close());
  const times: number[] = [];
  const tick = task({
    name: "tick",
    limits: [{ rate: 50, per: "1s" }],
    run: async () => void times.push(performance.now()),
  });
  const worker = jobbers.worker({ workflows: [tick], concurrency: 10 });
  await worker.start();
  onTestFinished(() => worker.stop());
  const runs = await jobbers.submitMany(
    tick,
    Array.from({ length: 8 }, () => ({ input: {} })),
  );
  for (const each of runs) if (each.status !== "refused") await each.run.result();
  return times;
}

it.each(["memory:", "redis"])("a rate is kept, and used, by a worker's own timers: %s", async (kind) => {
  const times = await startsOn(kind === "redis" ? await startRedis() : kind);
  expect(times).toHaveLength(8);
  // Seven gaps of 20 ms, which a handler may begin a little after its step was taken; and no waiting for polls of seconds.
  const lastedMs = (times.at(-1) as number) - (times[0] as number);
  expect(lastedMs).toBeGreaterThan(120);
  expect(lastedMs).toBeLessThan(3_000);
});
