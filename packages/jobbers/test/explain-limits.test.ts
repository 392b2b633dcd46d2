import { samplePlans } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { onBothStores } from "./both-stores.js";
import { forever, useStage } from "./explain-stage.js";

const { single } = samplePlans;

onBothStores((open) => {
  const on = useStage(open);
  const { submit, worker, why } = on;

  describe("what waits for limits", () => {
    it("says which, until when, and who has their slots", async () => {
      const declared = [
        { name: "a/rate", setting: { rate: 1, perMs: 60_000, burst: 1 }, isKeyed: false },
        { name: "stripe", setting: { concurrency: 1 }, isKeyed: false },
      ];
      const busy = await worker(single(), { ...forever, limits: [{ task: "a", limits: declared }] });
      const first = await submit(single());
      await busy.take();
      const run = await submit(single());
      await busy.take();
      const { causes } = await why(run, "a");
      expect(causes[0]).toMatchObject({ type: "in-line", queue: "default" });
      expect(causes[0]?.because).toMatchObject([
        {
          ...{ type: "limited", limit: "a/rate", rate: 1, perMs: 60_000, opensAtMs: on.clock.now() + 60_000 },
          sentence: "Limit a/rate (1 per 1 min) lets the next one start in 1 min.",
        },
        {
          ...{ type: "limited", limit: "stripe", concurrency: 1, used: 1 },
          holders: [{ run: first, step: "a", worker: expect.any(String) }],
          sentence: expect.stringMatching(
            /^Limit stripe \(1 at once\) has no slot free: 1 step has them, a of /,
          ),
        },
      ]);
    });
  });
});
