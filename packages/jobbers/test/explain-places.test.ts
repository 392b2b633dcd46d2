import type { Grant } from "@jobbers/core";
import { openDriver, samplePlans } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { onBothStores } from "./both-stores.js";
import { forever, useStage } from "./explain-stage.js";

const { diamond, manyEntries, mapped, single } = samplePlans;

onBothStores((open) => {
  const on = useStage(open);
  const { submit, worker, why } = on;

  describe("what stands in a line", () => {
    it("says the queue, how many stand before it, and who serves it", async () => {
      const plan = single({ queue: "mail" });
      for (let n = 0; n < 1_204; n++) await submit(plan);
      const run = await submit(plan);
      await worker(plan, forever);
      const answer = await why(run);
      expect(answer).toEqual({
        ...{ run, step: undefined, state: "running", atMs: on.clock.now(), left: 0 },
        sentence: "Step a waits in queue mail behind 1,204 steps; 1 worker serves it.",
        causes: [
          {
            ...{ type: "in-line", step: "a", work: "run", queue: "mail", priority: 5 },
            ...{ before: 1_204, atLeast: false, depth: 1_205, serving: 1, able: 1 },
            sentence: answer.sentence,
          },
        ],
      });
      expect(await why(run, "a")).toEqual({ ...answer, step: "a", state: "ready" });
    });

    it("claims no order between the priorities of a weighted queue", async () => {
      const plan = single({ queue: "mail" });
      await on.store.setQueue("mail", { priority: "weighted" }, "ada");
      await submit(plan, null, { priority: 9 });
      const [first, second] = [await submit(plan), await submit(plan)];
      await worker(plan, forever);
      expect((await why(first)).sentence).toBe(
        "Step a waits in queue mail, first of priority 5, which has its share of what is taken; 1 worker serves it.",
      );
      const answer = await why(second);
      expect(answer.sentence).toContain("behind 1 step of priority 5, which has its share");
      expect(answer.causes[0]).toMatchObject({ before: 1, weighted: true, depth: 3 });
    });

    it("says that nobody serves the queue, and who had the step before", async () => {
      const plan = single({ queue: "mail" });
      const run = await submit(plan);
      const gone = await worker(plan, { worker: "mailer-1" });
      await gone.take();
      await on.store.closeSession(gone.session.id);
      await openDriver(on.store, { ...forever, serves: ["a"] });
      const answer = await why(run);
      expect(answer.sentence).toBe(
        "Step a waits in queue mail, first in line. No live worker serves queue mail (the last one that had this step was " +
          "mailer-1). Start one with: jobbers worker FILES --queues mail.",
      );
      expect(answer.causes[0]).toMatchObject({
        ...{ type: "in-line", serving: 0, able: 0 },
        because: [{ type: "unserved-queue", queue: "mail", last: "mailer-1" }],
      });
    });

    it("says that the queue is paused, and who edited it", async () => {
      const plan = single({ queue: "mail" });
      const run = await submit(plan);
      await worker(plan, forever);
      await on.store.setQueue("mail", { paused: true }, "ada");
      on.clock.advance(120_000);
      const answer = await why(run);
      expect(answer.sentence).toBe(
        "Step a waits in queue mail, first in line. Queue mail is paused (edited by ada 2 min ago). Have it go on with: " +
          "jobbers queues resume mail.",
      );
      expect(answer.causes[0]).toMatchObject({
        ...{ type: "in-line", serving: 1, able: 1 },
        because: [{ type: "paused-queue", queue: "mail", by: "ada", sinceMs: on.clock.now() - 120_000 }],
      });
    });

    it("says that all who could take it have a role that runs as much as it may, and who holds that", async () => {
      const plan = single({ queue: "mail" });
      const role = { ...forever, role: "mailer" };
      await on.store.setRole("mailer", { queues: { mail: 1 }, concurrency: 3 }, "ada");
      for (let n = 0; n < 3; n++) await submit(plan);
      const run = await submit(plan);
      const [b, a] = [
        await worker(plan, { ...role, worker: "b" }),
        await worker(plan, { ...role, worker: "a" }),
      ];
      expect([await b.take(1), await a.take(2)].flat()).toHaveLength(3);
      const answer = await why(run);
      expect(answer.sentence).toBe(
        "Step a waits in queue mail, first in line. Role mailer runs 3 of 3 at once; held by workers a (2), b (1).",
      );
      expect(answer.causes[0]).toMatchObject({
        ...{ type: "in-line", serving: 2, able: 2 },
        because: [
          {
            ...{ type: "role-full", role: "mailer", concurrency: 3, running: 3 },
            heldBy: [
              { worker: "a", running: 2 },
              { worker: "b", running: 1 },
            ],
          },
        ],
      });
      // Where somebody else could take it, nothing holds it back.
      await worker(plan, forever);
      expect((await why(run)).causes[0]).toMatchObject({ serving: 3, able: 3, because: undefined });
    });

    it("says that those who serve the queue do not know the task", async () => {
      const run = await submit(single({ task: "send" }));
      for (const name of ["w1", "w2", "w2"])
        await openDriver(on.store, { ...forever, worker: name, serves: ["other"] });
      const answer = await why(run, "a");
      expect(answer.causes[0]).toMatchObject({
        ...{ type: "in-line", serving: 3, able: 0 },
        because: [{ type: "unknown-task", needs: "send", queue: "default", workers: ["w1", "w2"] }],
      });
      expect(answer.sentence).toContain(
        "w1 and w2 serve queue default, but none knows the task send. Start a worker that does: " +
          "jobbers worker FILE --queues default.",
      );
    });

    it("says that control work waits for anybody at all", async () => {
      const run = await submit(mapped(), { list: [1] });
      expect((await why(run)).sentence).toBe(
        "Map item[] waits for a worker that lays it out, first in line. No worker is alive. Start one with: jobbers worker FILES.",
      );
    });

    it("says the same of entry steps that no page has brought yet", async () => {
      const run = await submit(manyEntries(4), null, { pageLimit: 2 });
      const [first] = (await why(run)).causes;
      expect(first).toMatchObject({
        type: "in-line",
        step: "",
        work: "enter",
        because: [{ type: "no-worker" }],
      });
      expect((await why(run, "e3")).causes).toMatchObject([
        { type: "not-started", step: "e3", because: [{ type: "in-line", step: "" }] },
      ]);
    });
  });

  describe("what a worker has", () => {
    it("says which worker, since when, which try, and how long its lease is good", async () => {
      const plan = single({ retry: { attempts: 3, delayMs: 10 } });
      const run = await submit(plan);
      const one = await worker(plan, { worker: "w1", leaseMs: 15_000 });
      const [grant] = (await one.take()) as [Grant];
      await one.retry(grant);
      await on.store.promoteDue(10);
      await one.take();
      const sinceMs = on.clock.now();
      on.clock.advance(5_000);
      const answer = await why(run);
      expect(answer.sentence).toBe(
        "Step a runs on worker w1 for 5 s, try 2 of 3; its lease is good for 10 s more.",
      );
      expect(answer.causes).toMatchObject([
        {
          ...{ type: "running", step: "a", work: "run", worker: "w1", sinceMs, attempt: 2, attempts: 3 },
          leaseUntilMs: sinceMs + 15_000,
        },
      ]);
    });

    it("says that a worker is silent, and by when another gets the step", async () => {
      const run = await submit(single());
      const one = await worker(single(), { worker: "w1", leaseMs: 15_000 });
      await on.store.reapSessions({ sweepMs: 5_000, limit: 10 });
      await one.take();
      const expiredAtMs = on.clock.now() + 15_000;
      on.clock.advance(19_000);
      const alone = await why(run);
      expect(alone.causes).toMatchObject([
        {
          type: "session-lost",
          worker: "w1",
          session: one.session.id,
          expiredAtMs,
          because: [{ type: "no-worker" }],
        },
      ]);
      expect((alone.causes[0] as { takenBackByMs?: number }).takenBackByMs).toBeUndefined();
      await worker(single(), forever);
      const answer = await why(run);
      expect(answer.sentence).toBe(
        "Step a was with worker w1, which is silent: its lease expired 4 s ago; another worker gets it in about 12 s at the " +
          "latest.",
      );
      // The first of two sweeps, of which it takes no more than six seconds each.
      await on.store.reapSessions({ sweepMs: 60_000, limit: 10 });
      expect((await why(run)).causes[0]).toMatchObject({ takenBackByMs: on.clock.now() + 6_000 });
    });

    it("says how far a map is laid out", async () => {
      const run = await submit(mapped(), { list: Array.from({ length: 1_500 }, (_, i) => i) });
      const one = await worker(mapped(), { ...forever, worker: "w1" });
      const [grant] = (await one.takeControl()) as [Grant];
      await one.work.expandPage(grant, one.session.id, 0);
      const answer = await why(run, "item[]");
      expect(answer.sentence).toBe(
        "Map item[] is being laid out: 500 of 1,500 elements have their steps so far. Map item[] is with worker w1, which lays it out.",
      );
      expect(answer.causes).toMatchObject([
        { type: "expanding", laidOut: 500, count: 1_500, because: [{ type: "running", work: "expand" }] },
      ]);
      expect((await why(run, "item[700]")).causes).toMatchObject([
        { type: "not-started", step: "item[700]", because: [{ type: "expanding" }] },
      ]);
    });

    it("says that what follows a settled step is still to be said", async () => {
      const run = await submit(diamond("continue"));
      for (let n = 0; n < 3; n++) {
        const mortal = await worker(diamond(), { worker: `w${n}` });
        await mortal.take();
        await on.store.reapSessions({ sweepMs: 1, limit: 10, gone: [mortal.session.id] });
      }
      const answer = await why(run);
      expect(answer.causes).toMatchObject([
        { type: "in-line", step: "a", work: "advance", because: [{ type: "no-worker" }] },
      ]);
      expect(answer.sentence).toMatch(/^Step a has failed and waits for a worker that says what follows/);
      expect((await why(run, "b")).causes).toMatchObject([
        { type: "not-started", because: [{ type: "in-line", step: "a", work: "advance" }] },
      ]);
    });
  });
});
