import type { Grant, RunRecord } from "@jobbers/core";
import { expect } from "vitest";
import { diamond, manyEntries, mapped, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";

async function pagesOfRuns(
  bench: Bench,
  query: { limit: number; state?: RunRecord["state"]; name?: string; tag?: string },
) {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bench.store.listRuns({ ...query, cursor });
    expect(page.runs.length).toBeLessThanOrEqual(query.limit);
    ids.push(...page.runs.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== undefined);
  return ids;
}

export function looking(test: BenchTest): void {
  test("runs are listed newest first, page by page", async (bench) => {
    const runs: string[] = [];
    for (let n = 0; n < 7; n++) runs.push(await bench.submit(single(), n));
    expect(await pagesOfRuns(bench, { limit: 3 })).toEqual([...runs].reverse());
    expect(await pagesOfRuns(bench, { limit: 100 })).toEqual([...runs].reverse());
  });

  test("runs are found by state, name and tag, and by all at once", async (bench) => {
    const one = await bench.submit(single(), 1, { tags: ["red", "big"] });
    const two = await bench.submit(diamond(), 2, { tags: ["red"] });
    await (await bench.driver(single())).finish();
    const three = await bench.submit(single(), 3, { tags: ["blue"] });
    expect(await pagesOfRuns(bench, { limit: 2, state: "succeeded" })).toEqual([one]);
    expect(await pagesOfRuns(bench, { limit: 2, name: "single" })).toEqual([three, one]);
    expect(await pagesOfRuns(bench, { limit: 1, tag: "red" })).toEqual([two, one]);
    expect(await pagesOfRuns(bench, { limit: 2, tag: "red", name: "single", state: "succeeded" })).toEqual([
      one,
    ]);
    expect(await pagesOfRuns(bench, { limit: 2, tag: "green" })).toEqual([]);
    expect(await pagesOfRuns(bench, { limit: 2, state: "failed" })).toEqual([]);
  });

  test("a listed run is the run's record", async ({ store, submit }) => {
    const run = await submit(single(), 1, { tags: ["t"] });
    expect((await store.listRuns({ limit: 1 })).runs).toEqual([await store.getRun(run)]);
  });

  test("what does not exist is undefined", async ({ store, submit }) => {
    const run = await submit(single());
    expect(await store.getRun("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toBeUndefined();
    expect(await store.getStep(run, "nothing")).toBeUndefined();
    expect(await store.getPlan("0".repeat(32))).toBeUndefined();
    expect(await store.readValues(run, ["nothing", "a"])).toEqual({ nothing: null, a: null });
    expect(await store.listAttempts(run, "a")).toEqual([]);
  });

  test("steps are listed by address, page by page, and by state", async ({ store, submit, driver }) => {
    const run = await submit(manyEntries(12));
    const worker = await driver(manyEntries(12));
    await worker.take();
    const addresses: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.listSteps(run, { after, limit: 5 });
      expect(page.steps.length).toBeLessThanOrEqual(5);
      addresses.push(...page.steps.map(({ address }) => address));
      after = page.next;
    } while (after !== undefined);
    expect(new Set(addresses).size).toBe(12);
    expect(addresses).toEqual([...addresses].sort());
    const running = await store.listSteps(run, { limit: 100, states: ["running"] });
    expect(running.steps).toEqual([await store.getStep(run, running.steps[0]?.address as string)]);
    expect((await store.listSteps(run, { limit: 100, states: ["ready", "running"] })).steps).toHaveLength(12);
  });

  test("a run's steps are counted by plan name and state", async ({ store, submit, driver }) => {
    const run = await submit(mapped("continue"), { list: [1, 2, 3, 4] });
    const worker = await driver(mapped());
    const [first, second] = (await worker.take(3)) as [Grant, Grant, Grant];
    await worker.succeed(first);
    await worker.fail(second);
    const counts = Object.fromEntries(
      (await store.countSteps(run)).map(({ name, counts }) => [name, counts]),
    );
    expect(counts.item).toEqual({ succeeded: 1, failed: 1, running: 1, ready: 1 });
    expect(counts["item[]"]).toEqual({ expanding: 1 });
    expect(await store.countSteps("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toEqual([]);
  });

  test("records tell when things happened, by the store's clock", async ({
    store,
    clock,
    submit,
    driver,
  }) => {
    const created = clock.now();
    const run = await submit(single());
    clock.advance(10);
    const worker = await driver(single());
    const [grant] = (await worker.take()) as [Grant];
    clock.advance(10);
    await worker.succeed(grant);
    expect(await store.getRun(run)).toMatchObject({ createdAtMs: created, endedAtMs: created + 20 });
    expect(await store.getStep(run, "a")).toMatchObject({
      ...{ run, address: "a", name: "a", kind: "task", queue: "default", state: "succeeded", fence: 1 },
      ...{ readyAtMs: created, startedAtMs: created + 10, endedAtMs: created + 20, worker: "tester" },
    });
  });

  test("a failed run tells its failure in every view", async (bench) => {
    const run = await bench.submit(single());
    await (await bench.driver(single(), { script: () => FAIL })).finish();
    const record = (await bench.store.listRuns({ limit: 1 })).runs[0];
    expect(record).toEqual(await bench.store.getRun(run));
    expect(JSON.parse(record?.failure as string)).toMatchObject({ step: "a", error: { message: "broken" } });
  });
}
