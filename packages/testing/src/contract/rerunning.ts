import { type Grant, indexPlan, type Plan, rerunOf } from "@jobbers/core";
import { expect } from "vitest";
import { checkAll } from "../check-all.js";
import { fromInput, fromStep, mapStep, planOf, taskStep, wire } from "../plans.js";
import { caught, chain, conditional, diamond, inlined, mapped, single, watched } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { lettersOf } from "./dead-letters.js";
import { FAIL } from "./graph.js";
import { type Acts, begin, retry, work } from "./retry-work.js";

/** What a rerun from a step is about, as whoever asks for it sees the step now. */
async function scopeOf({ store }: Bench, run: string, plan: Plan, step: string) {
  const index = indexPlan(plan);
  return { rerun: rerunOf(index, index.step(step), (await store.getStep(run, step))?.fence ?? 0) };
}

async function rerun(bench: Bench, run: string, plan: Plan, step: string): Promise<void> {
  const { store, faulty } = bench;
  const { status } = await store.retry(run, { only: await scopeOf(bench, run, plan, step) });
  expect(faulty ? ["retried", "running"] : ["retried"]).toContain(status);
  const record = await store.getRun(run);
  expect(record).toMatchObject({ state: "running", cancelling: false });
  expect(record?.endedAtMs).toBeUndefined();
  expect(await checkAll(store)).toEqual([]);
}

/** All steps succeed with what another version of the code answers. */
const second = (...addresses: string[]): Acts =>
  Object.fromEntries(addresses.map((address) => [address, { succeed: `${address} 2` }]));

/** list → item[] over what it answers → join. */
const listed: Plan = planOf(
  "listed",
  [
    taskStep("list"),
    mapStep("item[]", fromStep("list"), { after: ["list"] }),
    taskStep("item", { in: "item[]", task: "item" }),
    taskStep("join", { after: ["item[]"], input: wire(fromStep("item[]")) }),
  ],
  { output: wire(fromStep("join")) },
);

/** Works off a run of `listed`; the list has so many elements. */
const workList = (bench: Bench, length: number, version = "") =>
  work(bench, listed, {
    list: { succeed: Array.from({ length }, (_, i) => i) },
    join: { succeed: `join${version}` },
  });

export function rerunning(test: BenchTest): void {
  for (const [size, first] of [
    ["small", "one"],
    ["large", "one".repeat(1_000)],
  ] as const)
    test(`the only step of a run that succeeded runs again: a ${size} result goes for another`, async (bench) => {
      const { store } = bench;
      const run = await bench.submit(single());
      const worker = await bench.driver(single());
      const [old] = (await worker.take()) as [Grant];
      bench.clock.advance(50);
      await worker.succeed(old, first);
      const { startedAtMs, endedAtMs } = (await store.getStep(run, "a")) ?? {};
      bench.clock.advance(1_000);
      await rerun(bench, run, single(), "a");
      expect(await bench.value(run, "a")).toBeUndefined();
      expect(await store.getStep(run, "a")).toMatchObject({ state: "ready", tries: 0 });
      expect(await worker.succeed(old, "late")).toBe("stale");
      const [again] = (await worker.take()) as [Grant];
      expect(again.lease.fence).toBeGreaterThan(old.lease.fence);
      expect(await worker.succeed(old, "late")).toBe("stale");
      await worker.succeed(again, "two");
      expect(await bench.runState(run)).toBe("succeeded");
      expect(await bench.value(run, "a")).toBe("two");
      const attempts = await store.listAttempts(run, "a");
      expect(attempts).toMatchObject([{ reason: "rerun", fence: 1, startedAtMs, endedAtMs }]);
      expect(await checkAll(store)).toEqual([]);
    });

  test("of a dag that succeeded only the step and what depends on it run again", async (bench) => {
    const { store } = bench;
    const { run } = await begin(bench, diamond());
    const kept = await store.getStep(run, "c");
    await rerun(bench, run, diamond(), "b");
    expect(await bench.stepStates(run, "a", "b", "c", "d")).toEqual({
      ...{ a: "succeeded", b: "ready", c: "succeeded", d: "blocked" },
    });
    expect(await bench.value(run, "d")).toBeUndefined();
    expect(await work(bench, diamond(), second("a", "b", "c", "d"))).toEqual(["b", "d"]);
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await store.readValues(run, ["a", "b", "c", "d"])).toEqual({
      ...{ a: '"a"', b: '"b 2"', c: '"c"', d: '"d 2"' },
    });
    expect(await store.getStep(run, "c")).toEqual(kept);
    // Once more, from where all of it begins.
    await rerun(bench, run, diamond(), "a");
    expect(await work(bench, diamond())).toEqual(["a", "b", "c", "d"]);
    expect(await store.listAttempts(run, "d")).toMatchObject([{ reason: "rerun" }, { reason: "rerun" }]);
  });

  test("a run that failed further on goes on from a step before, and its dead letter is gone", async (bench) => {
    const { run } = await begin(bench, chain(4), { s3: { fail: "x".repeat(3_000) } });
    expect(await lettersOf(bench)).toMatchObject([{ step: "s3" }]);
    await rerun(bench, run, chain(4), "s2");
    expect(await lettersOf(bench)).toEqual([]);
    expect((await bench.store.getRun(run))?.failure).toBeUndefined();
    expect((await bench.store.getStep(run, "s3"))?.error).toBeUndefined();
    expect(await work(bench, chain(4), { s4: FAIL })).toEqual(["s2", "s3", "s4"]);
    expect(await bench.runState(run)).toBe("failed");
    await rerun(bench, run, chain(4), "s1");
    expect(await work(bench, chain(4))).toEqual(["s1", "s2", "s3", "s4"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("other failures are kept and told again, what was skipped too", async (bench) => {
    const plan = planOf(
      "others",
      [
        taskStep("x"),
        taskStep("broken"),
        taskStep("no", { when: fromInput("no") }),
        taskStep("end", { after: ["broken", "no", "x"], trigger: "all_done" }),
      ],
      { failure: "continue" },
    );
    const { run } = await begin(bench, plan, { broken: FAIL }, { input: { no: false } });
    await rerun(bench, run, plan, "x");
    expect(await work(bench, plan)).toEqual(["end", "x"]);
    expect(await bench.stepStates(run, "broken", "no", "end")).toEqual({
      ...{ broken: "failed", no: "skipped", end: "succeeded" },
    });
    expect(await bench.store.getRun(run)).toMatchObject({
      ...{ state: "failed", failure: expect.stringContaining("broken") },
    });
    expect(await lettersOf(bench)).toMatchObject([{ step: "broken" }]);
  });

  test("a condition is judged anew", async (bench) => {
    const { run } = await begin(bench, conditional(), {}, { input: { flag: false } });
    await rerun(bench, run, conditional(), "a");
    expect(await work(bench, conditional())).toEqual(["a", "d"]);
    expect(await bench.stepStates(run, "b", "c", "d")).toEqual({
      ...{ b: "skipped", c: "skipped", d: "succeeded" },
    });
  });

  test("a failure whose catcher runs again is decided anew", async (bench) => {
    const { run } = await begin(bench, caught(), { a: FAIL });
    expect(await bench.runState(run)).toBe("succeeded");
    await rerun(bench, run, caught(), "rescue");
    expect(await lettersOf(bench)).toEqual([]);
    expect(await work(bench, caught(), { rescue: FAIL })).toEqual(["rescue"]);
    expect(await bench.runState(run)).toBe("failed");
    expect((await lettersOf(bench)).map(({ step }) => step).sort()).toEqual(["a", "rescue"]);
  });

  test("a failure is rescued after all by a catcher that failed, and runs again", async (bench) => {
    const plan = planOf("late-rescue", [
      taskStep("tools"),
      taskStep("a", { after: ["tools"], trigger: "all_done" }),
      taskStep("more", { after: ["tools"] }),
      taskStep("rescue", { after: ["a", "more"], trigger: "one_failed" }),
      taskStep("other", { after: ["a"], trigger: "one_failed" }),
    ]);
    const { run } = await begin(bench, plan, { a: FAIL, rescue: FAIL });
    expect((await lettersOf(bench)).map(({ step }) => step).sort()).toEqual(["a", "rescue"]);
    await rerun(bench, run, plan, "more");
    expect(await lettersOf(bench)).toEqual([]);
    expect(await work(bench, plan)).toEqual(["more", "rescue"]);
    expect(await bench.stepStates(run, "a", "rescue", "other")).toEqual({
      ...{ a: "failed", rescue: "succeeded", other: "succeeded" },
    });
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("a map is laid out anew, over another list, and no late report of its old children counts", async (bench) => {
    const { store } = bench;
    const run = await bench.submit(listed);
    const worker = await bench.driver(listed);
    await worker.succeed((await worker.take())[0] as Grant, [1, 2, 3]);
    const children = await worker.take(3);
    const old = children.find(({ lease }) => lease.address === "item[0]") as Grant;
    for (const child of children) await worker.succeed(child, `${child.lease.address} 1`);
    await worker.finish();
    await rerun(bench, run, listed, "list");
    expect(await bench.stepState(run, "item[0]")).toBeUndefined();
    expect(await store.countSteps(run)).toHaveLength(3);
    expect(await store.readValues(run, ["item[]:2", "item[2]", "item[]"])).toEqual({
      ...{ "item[]:2": null, "item[2]": null, "item[]": null },
    });
    await worker.succeed((await worker.take())[0] as Grant, [7, 8]);
    const [again] = (await worker.take()) as [Grant];
    expect(again.lease).toMatchObject({ address: "item[0]", fence: expect.any(Number) });
    expect(again.lease.fence).toBeGreaterThan(old.lease.fence);
    expect(await worker.succeed(old, "late")).toBe("stale");
    await worker.succeed(again, "item[0] 2");
    await worker.finish();
    expect(await bench.stepState(run, "item[2]")).toBeUndefined();
    expect(await store.readValues(run, ["item[]", "item[0]", "item[1]"])).toEqual({
      ...{ "item[]": "2", "item[0]": '"item[0] 2"', "item[1]": '"item[1]"' },
    });
    expect(await bench.runState(run)).toBe("succeeded");
    expect(await checkAll(store)).toEqual([]);
  });

  test("a map whose body failed is laid out anew as a whole", async (bench) => {
    const input = { list: [1, 2] };
    const { run } = await begin(bench, mapped(), { "item[1]": FAIL }, { input });
    await rerun(bench, run, mapped(), "item[]");
    expect(await lettersOf(bench)).toEqual([]);
    expect(await work(bench, mapped())).toEqual(["item[0]", "item[1]", "join"]);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("an inlined dag goes on with a step of it, and begins anew after one before it", async (bench) => {
    const { store } = bench;
    const { run } = await begin(bench, inlined());
    await rerun(bench, run, inlined(), "site/parse");
    expect(await bench.stepStates(run, "site", "site/fetch", "after")).toEqual({
      ...{ site: "expanding", "site/fetch": "succeeded", after: "blocked" },
    });
    expect(await work(bench, inlined())).toEqual(["after", "site/parse"]);
    const fence = (await store.getStep(run, "site/fetch"))?.fence as number;
    await rerun(bench, run, inlined(), "before");
    expect(await bench.stepState(run, "site/fetch")).toBeUndefined();
    expect(await work(bench, inlined(), { before: { succeed: "new" } })).toEqual([
      ...["after", "before", "site/fetch", "site/parse"],
    ]);
    expect(await bench.value(run, "site:input")).toBe("new");
    expect((await store.getStep(run, "site/fetch"))?.fence).toBeGreaterThan(fence);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test("what cannot run again is refused, what was rerun since is left alone", async (bench) => {
    const { store } = bench;
    const { run } = await begin(bench, watched("continue"), { a: FAIL });
    const statusOf = async (step: string, id = run) =>
      (await store.retry(id, { only: await scopeOf(bench, run, watched(), step) })).status;
    expect(await statusOf("a")).toBe("step-not-succeeded");
    expect(await statusOf("b")).toBe("step-not-succeeded");
    expect(await statusOf("~onFailure/tell")).toBe("step-kept");
    expect(await statusOf("a", "nobody")).toBe("unknown");
    const { run: good } = await begin(bench, chain(2));
    const scope = await scopeOf(bench, good, chain(2), "s1");
    const nobody = { rerun: { ...scope.rerun, step: "nobody" } };
    expect((await store.retry(good, { only: nobody })).status).toBe("step-unknown");
    await rerun(bench, good, chain(2), "s1");
    expect((await store.retry(good, { only: scope })).status).toBe("running");
    expect(await work(bench, chain(2))).toEqual(["s1", "s2"]);
    expect((await store.retry(good, { only: scope })).status).toBe("retried");
    expect(await work(bench, chain(2))).toEqual([]);
    expect(await bench.runState(good)).toBe("succeeded");
  });

  test("a step counts as told by those parents only that had come so far before a cancel", async (bench) => {
    const { store } = bench;
    const children = Array.from({ length: 5 }, (_, i) => `c${i}`);
    const plan = planOf("cut", [
      taskStep("a"),
      taskStep("x"),
      ...children.map((name) => taskStep(name, { after: ["a", "x"] })),
    ]);
    const run = await bench.submit(plan);
    const worker = await bench.driver(plan, { pageLimit: 2 });
    const [a, x] = (await worker.take(2)) as [Grant, Grant];
    await worker.succeed(x);
    for (const grant of await worker.takeControl()) await worker.control(grant);
    for (const grant of await worker.takeControl()) await worker.control(grant);
    await worker.succeed(a);
    await store.cancel(run);
    expect(await bench.runState(run)).toBe("cancelled");
    await rerun(bench, run, plan, "x");
    const [again] = (await worker.take()) as [Grant];
    expect(again.lease.address).toBe("x");
    expect(await bench.stepStates(run, "c0", "c4")).toEqual({ c0: "blocked", c4: "blocked" });
    await worker.succeed(again);
    expect(await work(bench, plan)).toEqual(children);
    expect(await bench.runState(run)).toBe("succeeded");
  });

  test(
    "a wide rerun reads as running until all of it is prepared, whoever completes it",
    async (bench) => {
      const { store } = bench;
      const count = bench.faulty ? 40 : 700;
      const run = await bench.submit(listed);
      await workList(bench, count);
      const scope = await scopeOf(bench, run, listed, "list");
      // A call that changes nothing comes between the parts of the rerun.
      const look = async () => {
        await store.cancel("nobody");
        return [await store.getRun(run), await checkAll(store)] as const;
      };
      const [result, [seen, problems], other] = await Promise.all([
        store.retry(run, { only: scope }),
        look(),
        store.retry(run),
      ]);
      expect(problems).toEqual([]);
      if (!bench.faulty) {
        expect([result.status, other.status]).toEqual(["retried", "running"]);
        expect([seen?.state, seen?.endedAtMs]).toEqual(["running", undefined]);
      }
      expect(await store.countSteps(run)).toHaveLength(3);
      expect(await checkAll(store)).toEqual([]);
      const calls = await workList(bench, 3, " 2");
      expect(calls).toEqual(["item[0]", "item[1]", "item[2]", "join", "list"]);
      expect(await bench.value(run, "join")).toBe("join 2");
    },
    { timeoutMs: 60_000 },
  );

  test(
    "a wide rerun that is cancelled meanwhile ends as cancelled, with nothing of the old results",
    async (bench) => {
      const { store } = bench;
      const count = bench.faulty ? 40 : 700;
      const run = await bench.submit(listed);
      await workList(bench, count);
      const scope = await scopeOf(bench, run, listed, "list");
      const [, { status }] = await Promise.all([store.retry(run, { only: scope }), store.cancel(run)]);
      if (bench.faulty) await store.cancel(run);
      else expect(status).toBe("cancelling");
      expect(await bench.runState(run)).toBe("cancelled");
      expect(await checkAll(store)).toEqual([]);
      await retry(bench, run);
      expect(await workList(bench, 2, " 2")).toEqual(["item[0]", "item[1]", "join", "list"]);
      expect(await bench.runState(run)).toBe("succeeded");
    },
    { timeoutMs: 60_000 },
  );

  test("a rerun takes the run from its shelf, and retention has it again at its new end", async (bench) => {
    const { store } = bench;
    const { run } = await begin(bench, chain(2));
    await rerun(bench, run, chain(2), "s1");
    const rule = { ageMs: 10_000, count: 0 };
    const retention = { succeeded: rule, failed: rule, cancelled: rule };
    bench.clock.advance(20_000);
    expect((await store.purge(retention, 1_000)).purged).toBe(0);
    expect(await work(bench, chain(2))).toEqual(["s1", "s2"]);
    await store.purge(retention, 1_000);
    expect(await store.getRun(run)).toMatchObject({ purged: true });
    const options = { only: await scopeOf(bench, run, chain(2), "s1") };
    expect((await store.retry(run, options)).status).toBe("purged");
    expect(await checkAll(store)).toEqual([]);
  });
}
