import type { Grant } from "@jobbers/core";
import { type Cause, createPlans, explain } from "@jobbers/runs";
import { fromInput, openDriver, planOf, samplePlans, taskStep } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { onBothStores } from "./both-stores.js";
import { countedStore } from "./counted-store.js";
import { forever, useStage } from "./explain-stage.js";

const { chain, diamond, inlined, mapInMap, mapped, single, wideSuccessors } = samplePlans;

function all(causes: readonly Cause[]): Cause[] {
  return causes.flatMap((cause) => [cause, ...all(cause.because ?? [])]);
}

onBothStores((open) => {
  const on = useStage(open);
  const { submit, worker, why } = on;

  describe("what waits for an instant", () => {
    it("says when a run is due", async () => {
      const run = await submit(single(), null, { delayMs: 7_260_000 });
      const answer = await why(run);
      expect(answer).toMatchObject({ state: "scheduled", causes: [{ dueAtMs: on.clock.now() + 7_260_000 }] });
      expect(answer.sentence).toBe(`Run ${run} is scheduled for 2026-01-01T02:01:00Z, in 2 h 1 min.`);
      expect((await why(run, "a")).causes).toMatchObject([{ type: "scheduled" }]);
      on.clock.advance(7_261_000);
      expect((await why(run)).causes).toMatchObject([
        { type: "scheduled", because: [{ type: "no-worker" }] },
      ]);
    });

    it("says when the next try is due, and why the last one failed", async () => {
      const plan = single({ retry: { attempts: 5 } });
      const run = await submit(plan);
      const one = await worker(plan, forever);
      const [grant] = (await one.take()) as [Grant];
      await one.retry(grant, 90_000);
      const answer = await why(run);
      expect(answer.sentence).toBe(
        "Step a is tried again in 1 min 30 s: try 1 of 5 failed with Error: again.",
      );
      expect(answer.causes).toMatchObject([
        {
          ...{
            type: "retry-due",
            step: "a",
            dueAtMs: on.clock.now() + 90_000,
            reason: "error",
            tries: 1,
            attempts: 5,
          },
          error: { name: "Error", message: "again" },
        },
      ]);
      on.clock.advance(95_000);
      await on.store.closeSession(one.session.id);
      expect((await why(run)).sentence).toBe(
        "Step a was due for its next try 5 s ago: try 1 of 5 failed with Error: again. No worker is alive. Start one with: " +
          "jobbers worker FILES.",
      );
    });
  });

  describe("what waits for other steps", () => {
    it("leads from a step to its open parents", async () => {
      const run = await submit(diamond());
      const one = await worker(diamond(), { ...forever, worker: "w1" });
      const [a] = (await one.take()) as [Grant];
      await one.succeed(a);
      const [b] = (await one.take()) as [Grant];
      await one.succeed(b);
      await one.take();
      const answer = await why(run, "d");
      expect(answer).toMatchObject({
        ...{ run, step: "d", state: "blocked" },
        sentence: "Step d waits for c (1 of its 2 parents). Step c runs on worker w1 for less than a second.",
        causes: [
          {
            type: "waiting-for",
            open: ["c"],
            openCount: 1,
            parents: 2,
            because: [{ type: "running", step: "c" }],
          },
        ],
      });
    });

    it("leads to the root of a long chain, and tells each step once", async () => {
      const run = await submit(chain(30));
      const answer = await why(run, "s30");
      expect(answer.state).toBe("unstarted");
      expect(answer.sentence).toMatch(
        /^Step s30 has not begun; it waits for s29\. In the end: Step s1 waits in queue default, first in line\. No live worker serves queue default\./,
      );
      const four = planOf("four", [
        taskStep("a"),
        ...["b", "c", "d"].map((name) => taskStep(name, { after: ["a"] })),
        taskStep("e", { after: ["b", "c", "d"] }),
      ]);
      const { causes } = await why(await submit(four), "e");
      expect(all(causes).filter(({ type }) => type === "unserved-queue")).toHaveLength(1);
      expect(causes[0]).toMatchObject({ because: [{ step: "b" }, { step: "c" }, { step: "d" }] });
    });

    it("leads from a map to the first of its open steps, with a count of the rest", async () => {
      // More have settled than a look for open ones goes past.
      const width = 6_500;
      const run = await submit(mapped(), { list: Array.from({ length: width }, (_, i) => i) });
      const one = await worker(mapped(), { ...forever, worker: "w1" });
      for (let left = 6_000; left > 0; left -= 500) {
        const grants = await one.take(500);
        await one.exchange(await Promise.all(grants.map((grant) => one.success(grant))));
      }
      await one.take(7);
      const answer = await why(run);
      expect(answer.causes).toMatchObject([
        {
          ...{
            type: "body-open",
            step: "item[]",
            kind: "map",
            settled: 6_000,
            members: width,
            count: width,
            left: 497,
            open: { running: 7, ready: 493 },
          },
          because: [6_000, 6_001, 6_002].map((i) => ({ type: "running", step: `item[${i}]` })),
        },
      ]);
      expect(answer.sentence).toMatch(
        /^Map item\[\] goes on: 6,000 of the 6,500 steps in its body have settled \(6,500 elements\); 7 running and 493 in line\. Step item\[6000\] runs on worker w1/,
      );
      expect((await why(run, "join")).causes).toMatchObject([
        { type: "not-started", because: [{ type: "body-open", step: "item[]" }] },
      ]);
    });

    it("leads through maps in maps and inlined dags", async () => {
      const nested = await submit(mapInMap(), { list: [[1, 2], [3]] });
      const one = await worker(mapInMap(), { ...forever, worker: "w1" });
      for (let n = 0; n < 2; n++) await one.take(0);
      const cells = await why(nested);
      expect(cells.causes).toMatchObject([
        {
          ...{ type: "body-open", step: "cell[][]" },
          because: [
            { step: "cell[0][]", because: [{ step: "cell[0][0]" }, { step: "cell[0][1]" }] },
            { step: "cell[1][]" },
          ],
        },
      ]);
      expect((await why(nested, "cell[1][]")).causes).toMatchObject([
        { type: "body-open", settled: 0, members: 1, because: [{ type: "in-line", step: "cell[1][0]" }] },
      ]);
      const run = await submit(inlined());
      const dag = await worker(inlined(), { ...forever, worker: "w2" });
      const [before] = (await dag.take()) as [Grant];
      await dag.succeed(before);
      await dag.take();
      expect((await why(run, "after")).causes).toMatchObject([
        {
          ...{ type: "not-started", step: "after" },
          because: [
            {
              type: "body-open",
              kind: "dag",
              step: "site",
              because: [{ type: "running", step: "site/fetch" }],
            },
          ],
        },
      ]);
    });
  });

  it("looks at a part of what is wide, and says how much it leaves out", async () => {
    const width = 1_000;
    const plan = wideSuccessors(width);
    const run = await submit(plan);
    const one = await worker(plan, forever);
    const ask = async (step?: string) => {
      const { store: watched, calls } = countedStore(on.store);
      const answer = await explain({ store: watched, plans: createPlans(watched) }, run, step);
      return { ...answer, calls: calls() };
    };
    const join = await ask("join");
    expect(join.causes).toMatchObject([{ type: "not-started", openCount: width, left: width - 20 }]);
    expect(join.calls).toBeLessThan(50);
    const [a] = (await one.take()) as [Grant];
    await one.succeed(a);
    const [first] = (await one.take(300)) as [Grant];
    await one.succeed(first);
    const whole = await ask();
    expect(whole).toMatchObject({ causes: { length: 20 }, left: width - 21 });
    expect(whole.sentence).toMatch(/Beside this, 998 other steps are open\.$/);
    expect(whole.calls).toBeLessThan(50);
    const after = await ask("join");
    expect(after.causes).toMatchObject([
      { type: "waiting-for", openCount: width - 1, parents: width, open: { length: 20 }, left: width - 21 },
    ]);
    expect(after.calls).toBeLessThan(50);
  });

  it("tells first what does not go on by itself", async () => {
    const plan = planOf("three", [
      taskStep("a"),
      taskStep("b", { queue: "nobody" }),
      taskStep("c", { input: { value: null, wires: [{ at: [], source: fromInput() }] } }),
    ]);
    const run = await submit(plan);
    await (await openDriver(on.store, { ...forever, serves: ["a", "b", "c"] })).take();
    const { causes, sentence } = await why(run);
    expect(causes.map((cause) => (cause as { step: string }).step)).toEqual(["b", "c", "a"]);
    expect(sentence).toMatch(
      /^Step b waits in queue nobody, first in line\. .* Beside this, 2 other steps are open\.$/,
    );
  });
});
