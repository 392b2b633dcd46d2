import { durationBucket, type Grant, type TaskDurations } from "@jobbers/core";
import { samplePlans } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { onBothStores } from "./both-stores.js";
import { useStage } from "./explain-stage.js";

const { single } = samplePlans;

onBothStores((open) => {
  const on = useStage(open);

  /** A step that a worker has taken, and what that worker tells with its renewals. */
  const running = async (heartbeatMs?: number) => {
    const bare = single();
    const beating = bare.steps.map((step) => ({ ...step, heartbeatMs }) as (typeof bare.steps)[number]);
    const plan = heartbeatMs === undefined ? bare : { ...bare, steps: beating };
    const run = await on.submit(plan);
    const worker = await on.worker(plan, { worker: "w1", leaseMs: 3_600_000 });
    const [{ lease }] = (await worker.take()) as [Grant];
    let seq = 0;
    const tell = (parts: { lagMs?: number; done?: number; durations?: TaskDurations[] } = {}) => {
      const { lagMs = 0, done, durations = [] } = parts;
      const rest = JSON.stringify({ done, total: 1_000 });
      const beats = done === undefined ? [] : [{ lease, at: "parsing", rest, agoMs: 0, forMs: 3_000 }];
      const bulletin = { seq: ++seq, slots: 1, running: 1, beats, durations };
      return on.store.renew(worker.session.id, { lagMs, bulletin });
    };
    return { run, tell, cause: async () => (await on.why(run)).causes[0] };
  };
  const taking = (ms: number, count: number) => [{ task: "a", counts: { [durationBucket(ms)]: count } }];

  describe("what a step that runs tells", () => {
    it("is what it is at, for how long, and how much of it is done", async () => {
      const { tell, cause } = await running();
      on.clock.advance(10_000);
      await tell({ done: 340 });
      const sinceMs = on.clock.now() - 3_000;
      on.clock.advance(2_000);
      const told = await cause();
      expect(told).toMatchObject({
        ...{ type: "running", liveness: "running" },
        progress: { at: "parsing", sinceMs, done: 340, total: 1_000 },
      });
      expect(told?.sentence).toBe(
        'Step a runs on worker w1 for 12 s, at "parsing" for 5 s, 340 of 1,000; its lease is good for 59 min 58 s more.',
      );
      expect(told).toHaveProperty("usual", undefined);
    });

    it("has an estimate when enough of its task have ended, until it takes longer than half of them", async () => {
      const { tell, cause } = await running();
      await tell({ durations: taking(60_000, 19) });
      on.clock.advance(20_000);
      expect((await cause())?.sentence).toMatch(/more\.$/);
      await tell({ durations: taking(60_000, 1) });
      const told = await cause();
      expect(told).toMatchObject({ usual: { count: 20 }, liveness: "running" });
      const { usual, likelyEndMs } = told as { usual: { p95Ms: number }; likelyEndMs: number };
      expect(likelyEndMs).toBe(Math.round(on.clock.now() - 20_000 + usual.p95Ms));
      expect(told?.sentence).toMatch(
        /more\. It likely ends within (\d+) s: 19 of 20 lately took 1 min( \d s)? at most\.$/,
      );
      on.clock.advance(38_000);
      expect(await cause()).toHaveProperty("likelyEndMs", undefined);
      expect((await cause())?.sentence).toMatch(/more\. 19 of 20 lately took 1 min( \d s)? at most\.$/);
    });

    it("is that it is slow, silent, or on a worker that is blocked", async () => {
      const { tell, cause } = await running(60_000);
      await tell({ durations: taking(100, 30) });
      on.clock.advance(50_000);
      expect(await cause()).toMatchObject({
        liveness: "slow",
        sentence: expect.stringMatching(/ It is slow: 19 of 20 lately took \d{2,3} ms at most\.$/),
      });
      on.clock.advance(15_000);
      await tell();
      expect(await cause()).toMatchObject({
        liveness: "frozen",
        sentence: expect.stringContaining(
          " It was silent for 1 min 5 s and may be for 1 min, so it is given up.",
        ),
      });
      await tell({ lagMs: 4_000 });
      expect(await cause()).toMatchObject({
        liveness: "blocked-loop",
        sentence: expect.stringContaining(
          " The main loop of its worker is late by 4 s: something there computes without a pause.",
        ),
      });
    });
  });
});
