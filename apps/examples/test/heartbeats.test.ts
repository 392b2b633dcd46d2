import { join } from "node:path";
import { until } from "@jobbers/testing";
import { connect, task } from "jobbers";
import { expect, it } from "vitest";
import { temporaryFolder } from "./fixture-project.js";
import { startRedis } from "./redis-server.js";

const stores = [
  ["SQLite", async () => `sqlite:${join(await temporaryFolder(), "jobs.db")}`],
  ["Redis", async () => startRedis()],
] as const;

it.each(stores)(
  "on %s a handler that falls silent is frozen, and its step tried again",
  async (_, place) => {
    await using jobbers = await connect(await place());
    let silence = () => {};
    const heard = new Promise<void>((resolve) => {
      silence = resolve;
    });
    const parse = task({
      name: "parse",
      heartbeat: "1s",
      retry: { attempts: 2, delay: 0 },
      async run(_, ctx) {
        if (ctx.tries === 2) return "parsed";
        const beating = setInterval(() => ctx.heartbeat({ at: "parsing", done: 340, total: 1_000 }), 20);
        await heard;
        clearInterval(beating);
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
        throw ctx.signal.reason;
      },
    });
    const worker = jobbers.worker({ workflows: [parse], leaseMs: 2_400 });
    await worker.start();
    const run = await jobbers.submit(parse, {});
    const look = async () => (await jobbers.store.listSteps(run.id, { limit: 1 })).steps[0];
    // The feed tells of it when it comes with a renewal.
    await until(jobbers.store, async () => (await look())?.progress !== undefined);
    expect(await run.status()).toMatchObject({ state: "running" });
    const step = await look();
    expect(step?.progress).toMatchObject({ at: "parsing", done: 340, total: 1_000 });
    expect(step?.progress?.sinceMs).toBeGreaterThanOrEqual((step?.startedAtMs ?? 0) - 100);
    const listed = (await jobbers.store.listWorkers()).find(({ session }) => session === step?.session);
    expect(listed).toMatchObject({ slots: 10, running: 1, free: 9 });
    silence();
    expect(await run.result()).toBe("parsed");
    expect(await jobbers.store.listAttempts(run.id, "parse")).toMatchObject([{ fence: 1, reason: "frozen" }]);
    expect((await look())?.progress).toBeUndefined();
    await worker.stop();
  },
  30_000,
);
