import { dag, type Grant, type JsonValue, type Plan, type Store, task } from "@jobbers/core";
import { type Cause, createFeed, createPlans, type Explanation, explain } from "@jobbers/runs";
import {
  createFakeClock,
  type Driver,
  type DriverOptions,
  type FakeClock,
  fromInput,
  needsOf,
  openDriver,
  planOf,
  queuesOf,
  type SubmissionParts,
  samplePlans,
  submissionOf,
  taskStep,
} from "@jobbers/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createJobbers } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";
import { countedStore } from "./counted-store.js";

const { caught, chain, conditional, diamond, inlined, manyEntries, mapInMap, mapped, single } = samplePlans;
const { watched, wideSuccessors } = samplePlans;

onBothStores((open) => {
  let store: Store;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = createFakeClock();
    store = await open(clock.now);
  });
  afterEach(() => store.close());

  async function submit(plan: Plan, input?: JsonValue, parts?: SubmissionParts): Promise<string> {
    const submission = submissionOf(plan, input, parts);
    await store.submit([submission]);
    return submission.id;
  }
  const worker = (plan: Plan, options: DriverOptions = {}): Promise<Driver> =>
    openDriver(store, { serves: needsOf(plan), queues: ["default", ...queuesOf(plan)], ...options });
  const why = (run: string, step?: string) => explain({ store, plans: createPlans(store) }, run, step);
  const forever = { leaseMs: Number.POSITIVE_INFINITY };

  describe("what stands in a line", () => {
    it("says the queue, how many stand before it, and who serves it", async () => {
      const plan = single({ queue: "mail" });
      for (let n = 0; n < 1_204; n++) await submit(plan);
      const run = await submit(plan);
      await worker(plan, forever);
      const answer = await why(run);
      expect(answer).toEqual({
        ...{ run, step: undefined, state: "running", atMs: clock.now(), left: 0 },
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

    it("says that nobody serves the queue, and who had the step before", async () => {
      const plan = single({ queue: "mail" });
      const run = await submit(plan);
      const gone = await worker(plan, { worker: "mailer-1" });
      await gone.take();
      await store.closeSession(gone.session.id);
      await openDriver(store, { ...forever, serves: ["a"] });
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

    it("says that those who serve the queue do not know the task", async () => {
      const run = await submit(single({ task: "send" }));
      for (const name of ["w1", "w2", "w2"])
        await openDriver(store, { ...forever, worker: name, serves: ["other"] });
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
      await store.promoteDue(10);
      await one.take();
      const sinceMs = clock.now();
      clock.advance(5_000);
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
      await store.reapSessions({ sweepMs: 5_000, limit: 10 });
      await one.take();
      const expiredAtMs = clock.now() + 15_000;
      clock.advance(19_000);
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
      await store.reapSessions({ sweepMs: 60_000, limit: 10 });
      expect((await why(run)).causes[0]).toMatchObject({ takenBackByMs: clock.now() + 6_000 });
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
        await store.reapSessions({ sweepMs: 1, limit: 10, gone: [mortal.session.id] });
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

  describe("what waits for an instant", () => {
    it("says when a run is due", async () => {
      const run = await submit(single(), null, { delayMs: 7_260_000 });
      const answer = await why(run);
      expect(answer).toMatchObject({ state: "scheduled", causes: [{ dueAtMs: clock.now() + 7_260_000 }] });
      expect(answer.sentence).toBe(`Run ${run} is scheduled for 2026-01-01T02:01:00Z, in 2 h 1 min.`);
      expect((await why(run, "a")).causes).toMatchObject([{ type: "scheduled" }]);
      clock.advance(7_261_000);
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
            dueAtMs: clock.now() + 90_000,
            reason: "error",
            tries: 1,
            attempts: 5,
          },
          error: { name: "Error", message: "again" },
        },
      ]);
      clock.advance(95_000);
      await store.closeSession(one.session.id);
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

  describe("what ends", () => {
    it("says what a cancelled run still waits for", async () => {
      const run = await submit(mapped(), { list: [1, 2, 3] });
      const one = await worker(mapped(), { ...forever, worker: "w1" });
      await one.take(2);
      await store.cancel(run);
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
      clock.advance(2_000);
      await one.fail(grant, "out of luck");
      clock.advance(60_000);
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
        await store.reapSessions({ sweepMs: 1, limit: 10, gone: [mortal.session.id] });
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
      await store.cancel(run);
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
      const answer = await explain({ store, plans }, run);
      expect(answer).toMatchObject({ state: "running", causes: [{ type: "plan-missing" }] });
      await store.cancel(run);
      expect(await explain({ store, plans }, run)).toMatchObject({
        causes: [{ type: "ended", state: "cancelled" }],
      });
    });
  });

  it("looks at a part of what is wide, and says how much it leaves out", async () => {
    const width = 1_000;
    const plan = wideSuccessors(width);
    const run = await submit(plan);
    const one = await worker(plan, forever);
    const ask = async (step?: string) => {
      const { store: watched, calls } = countedStore(store);
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

  it("tells first what does not go on by itself", async () => {
    const plan = planOf("three", [
      taskStep("a"),
      taskStep("b", { queue: "nobody" }),
      taskStep("c", { input: { value: null, wires: [{ at: [], source: fromInput() }] } }),
    ]);
    const run = await submit(plan);
    await (await openDriver(store, { ...forever, serves: ["a", "b", "c"] })).take();
    const { causes, sentence } = await why(run);
    expect(causes.map((cause) => (cause as { step: string }).step)).toEqual(["b", "c", "a"]);
    expect(sentence).toMatch(
      /^Step b waits in queue nobody, first in line\. .* Beside this, 2 other steps are open\.$/,
    );
  });
});

function all(causes: Explanation["causes"]): Cause[] {
  return causes.flatMap((cause) => [cause, ...all(cause.because ?? [])]);
}
