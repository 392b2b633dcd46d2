import { dag, type Grant, task } from "@jobbers/core";
import { createFeed, createPlans, explain } from "@jobbers/runs";
import { samplePlans } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { createJobbers } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";
import { forever, useStage } from "./explain-stage.js";

const { caught, conditional, diamond, mapped, single, watched } = samplePlans;

onBothStores((open) => {
  const on = useStage(open);
  const { submit, worker, why } = on;

  describe("what ends", () => {
    it("says what a cancelled run still waits for", async () => {
      const run = await submit(mapped(), { list: [1, 2, 3] });
      const one = await worker(mapped(), { ...forever, worker: "w1" });
      await one.take(2);
      await on.store.cancel(run);
      const answer = await why(run);
      expect(answer.causes).toMatchObject([
        { type: "cancelling", running: 2, because: [{ step: "item[0]" }, { step: "item[1]" }], left: 0 },
      ]);
      expect(answer.sentence).toMatch(
        /is being cancelled and ends when nothing of it runs; 2 steps still run\. Step item\[0\] runs/,
      );
      expect((await why(run, "item[2]")).causes).toMatchObject([{ type: "cancelling" }]);
    });

    it("says why a run stops, and what goes on in it", async () => {
      const run = await submit(diamond());
      const one = await worker(diamond(), { ...forever, worker: "w1" });
      const [a] = (await one.take()) as [Grant];
      await one.succeed(a);
      const [b] = (await one.take(2)) as [Grant];
      await one.fail(b, "out of luck");
      const answer = await why(run);
      expect(answer.causes).toMatchObject([
        { type: "stopping", failure: { step: "b" }, because: [{ type: "running", step: "c" }] },
      ]);
      expect(answer.sentence).toMatch(
        /^The run stops, because step b failed with Error: out of luck: what has not begun/,
      );
    });

    it("says how a run ended, and which step with which error", async () => {
      const run = await submit(single({ retry: { attempts: 1 } }));
      const one = await worker(single(), forever);
      const [grant] = (await one.take()) as [Grant];
      on.clock.advance(2_000);
      await one.fail(grant, "out of luck");
      on.clock.advance(60_000);
      const answer = await why(run);
      expect(answer).toMatchObject({ state: "failed", causes: [{ type: "ended", failure: { step: "a" } }] });
      expect(answer.sentence).toBe(
        `Run ${run} failed 1 min ago, after 2 s, because of step a. Step a failed 1 min ago after 1 try: ` +
          "Error: out of luck.",
      );
      const good = await submit(single());
      await one.finish();
      expect((await why(good)).sentence).toBe(
        `Run ${good} succeeded less than a second ago, after less than a second.`,
      );
    });

    it("says that a step was quarantined", async () => {
      const run = await submit(single());
      for (let n = 1; n <= 3; n++) {
        const mortal = await worker(single(), { worker: `w${n}` });
        await mortal.take();
        await on.store.reapSessions({ sweepMs: 1, limit: 10, gone: [mortal.session.id] });
      }
      const answer = await why(run, "a");
      expect(answer).toMatchObject({
        state: "failed",
        causes: [{ type: "quarantined", lost: 3, worker: "w3" }],
      });
      expect(answer.sentence).toMatch(
        /^Step a took 3 workers down with it \(the last was w3\) and is tried no more\./,
      );
      expect((await why(run)).causes).toMatchObject([{ type: "ended", because: [{ type: "quarantined" }] }]);
    });

    it("says why a step did not run", async () => {
      const run = await submit(conditional(), { flag: false });
      await (await worker(conditional(), forever)).finish();
      expect((await why(run, "b")).sentence).toMatch(
        /^Step b was skipped .* ago, because its condition was false\.$/,
      );
      expect((await why(run, "c")).causes).toMatchObject([
        { type: "ended", state: "skipped", reason: "parent", because: [{ type: "ended", step: "b" }] },
      ]);
      const broken = await submit(caught());
      await (
        await worker(caught(), {
          ...forever,
          script: ({ address }) => (address === "a" ? { fail: "no" } : { succeed: 1 }),
        })
      ).finish();
      expect((await why(broken, "b")).causes).toMatchObject([
        { state: "cancelled", because: [{ state: "failed", step: "a", error: { message: "no" } }] },
      ]);
      const epilogue = await why(await submit(watched()), "~onFailure");
      expect(epilogue.sentence).toBe(
        "Dag ~onFailure begins only when all else has settled and something has failed.",
      );
    });

    it("says that a step of an ended run never began", async () => {
      const run = await submit(diamond());
      await on.store.cancel(run);
      const answer = await why(run, "d");
      expect(answer).toMatchObject({
        state: "unstarted",
        causes: [{ type: "not-started", because: [{ type: "ended" }] }],
      });
    });
  });

  describe("what is not there", () => {
    it("is told, not thrown", async () => {
      const unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
      for (const step of [undefined, "a"])
        expect(await why(unknown, step)).toMatchObject({
          state: "unknown",
          causes: [{ type: "run-unknown" }],
        });
      const run = await submit(mapped(), { list: [1, 2] });
      await (await worker(mapped(), forever)).take(0);
      for (const step of ["nothing", "item", "item[", "item[2]", "item[0][0]", "join[0]", "", "[0]", "~"]) {
        const answer = await why(run, step);
        expect(answer).toMatchObject({ state: "unknown", causes: [{ type: "step-unknown", step }] });
      }
      expect((await why(run, "item[2]")).sentence).toBe(
        "There is no step item[2] in this run: map item[] has only 2 elements.",
      );
    });

    it("may be the plan", async () => {
      const run = await submit(single());
      const plans = createPlans({ getPlan: async () => undefined });
      const answer = await explain({ store: on.store, plans }, run);
      expect(answer).toMatchObject({ state: "running", causes: [{ type: "plan-missing" }] });
      await on.store.cancel(run);
      expect(await explain({ store: on.store, plans }, run)).toMatchObject({
        causes: [{ type: "ended", state: "cancelled" }],
      });
    });
  });

  it("is on the face of a run, for steps that a real worker has", async () => {
    const real = await open();
    await using jobbers = createJobbers({ store: real, feed: createFeed(real) });
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const slow = task({
      name: "slow",
      retry: { attempts: 3 },
      async run(_, { signal }) {
        begin();
        await new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
        return null;
      },
    });
    const later = dag("later", {}, () => slow({}, { name: "last", after: [slow({})] }));
    await jobbers.worker({ workflows: [later, slow], name: "w1", concurrency: 1, graceMs: 0 }).start();
    const run = await jobbers.submit(later);
    await begun;
    expect((await run.explain()).causes).toMatchObject([
      { type: "running", step: "slow", worker: "w1", attempt: 1, attempts: 3 },
    ]);
    expect((await run.explain("last")).sentence).toMatch(
      /^Step last has not begun; it waits for slow\. Step slow runs on worker w1 for .*, try 1 of 3/,
    );
    const other = await jobbers.submit(slow);
    expect((await other.explain()).sentence).toBe(
      "Step slow waits in queue default, first in line; 1 worker serves it.",
    );
    await run.cancel();
    await other.cancel();
  });
});
