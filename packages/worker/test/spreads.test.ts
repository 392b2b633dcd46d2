import {
  type AnyDag,
  type Dag,
  dag,
  hash,
  leastLoaded,
  readShares,
  roundRobin,
  type Spread,
  type StepRecord,
  type Store,
  type TaskLog,
  task,
  valueKey,
} from "@jobbers/core";
import { until } from "@jobbers/testing";
import { expect, test } from "vitest";
import { around, ended, openStore, result, schema, silent, startWorker, submit } from "./bench.js";

const list = task({
  name: "list",
  input: schema<{ n: number }>(),
  run: ({ n }) => Array.from({ length: n }, (_, i) => i),
});
const work = task({ name: "work", queue: "own", input: schema<{ n: number }>(), run: ({ n }) => n });
const more = task({ name: "more", queue: "own", input: schema<{ n: number }>(), run: ({ n }) => n });

/** A dag that maps a list over a chain of two steps. */
function chains(spread: Spread<number>, name = "chains"): Dag<{ n: number }, number[]> {
  return dag(name, { input: schema<{ n: number }>() }, ({ n }) =>
    list({ n }).map((i) => more({ n: work({ n: i }) }), { spread, name: "chain" }),
  );
}

async function stepsOf(store: Store, run: string): Promise<Map<string, StepRecord>> {
  const found = new Map<string, StepRecord>();
  for (let after: string | undefined, isOver = false; !isOver; ) {
    const page = await store.listSteps(run, { after, limit: 500 });
    for (const step of page.steps) found.set(step.address, step);
    after = page.next;
    isOver = after === undefined;
  }
  return found;
}

async function countsOf(store: Store, run: string): Promise<Record<string, number>> {
  const key = valueKey.spread("chain");
  const text = (await store.readValues(run, [key]))[key] as string;
  return Object.fromEntries(readShares(text).map(({ queue, count }) => [queue, count]));
}

test("children and what follows them stand in the queues that the spread chose, on several pages", async () => {
  const store = await openStore();
  const parity: Spread<number> = {
    name: "parity",
    queues: ["even", "odd"],
    choose: ({ item }) => (item % 3 === 0 ? "even" : "odd"),
  };
  const workflow = chains(parity);
  // It serves the queues of the spread because its workflows name them.
  await startWorker({ store, workflows: [workflow] });
  const run = await submit(store, workflow, { n: 300 });
  expect(await result(store, run, workflow)).toHaveLength(300);
  const steps = await stepsOf(store, run);
  for (let i = 0; i < 300; i++) {
    const queue = i % 3 === 0 ? "even" : "odd";
    expect([steps.get(`work[${i}]`)?.queue, steps.get(`more[${i}]`)?.queue]).toEqual([queue, queue]);
  }
  expect(await countsOf(store, run)).toEqual({ even: 100, odd: 200 });
});

test("an expansion that is taken over goes on as it was begun, and nothing is counted twice", async () => {
  const store = await openStore();
  const workflow = chains(roundRobin(["a", "b", "c"]));
  const run = await submit(store, workflow, { n: 400 });
  let pages = 0;
  const first = await startWorker({
    store: around(store, async (verb, call) => {
      const reply = await call();
      // Stopped after its first page, it gives the rest back.
      if (verb === "expand" && ++pages === 1) void first.stop({ giveBack: true });
      return reply;
    }),
    workflows: [workflow],
  });
  await startWorker({ store, workflows: [workflow] });
  await result(store, run, workflow);
  expect(Object.values(await countsOf(store, run)).sort()).toEqual([133, 133, 134]);
  const steps = await stepsOf(store, run);
  const three = [0, 1, 2].map((i) => steps.get(`work[${i}]`)?.queue);
  for (let i = 0; i < 400; i++) expect(steps.get(`work[${i}]`)?.queue).toBe(three[i % 3]);
});

/** Waits until a map is laid out. */
async function laidOut(store: Store, run: string, map: string): Promise<void> {
  await until(store, async () => (await store.getStep(run, map))?.state === "expanding");
}

test("the least loaded queue is found by the store's depths", async () => {
  const store = await openStore();
  const workflow = chains(leastLoaded(["full", "empty"]), "lighter");
  const filler = dag("filler", { input: schema<{ n: number }>() }, ({ n }) =>
    list({ n }).map((i) => work({ n: i }, { queue: "full" })),
  );
  // Nobody takes what is laid out.
  await startWorker({ store, workflows: [workflow, filler], queues: ["default"] });
  await laidOut(store, await submit(store, filler, { n: 60 }), "work[]");
  const run = await submit(store, workflow, { n: 50 });
  await laidOut(store, run, "chain");
  expect(await countsOf(store, run)).toEqual({ empty: 50 });
});

test("a key that throws fails the map and nothing else, and says for which element", async () => {
  const store = await openStore();
  const host = (n: number) => {
    if (n === 3) throw new TypeError("three has no host");
    return String(n);
  };
  const workflow = dag("aside", { input: schema<{ n: number }>(), failure: "continue" }, ({ n }) => {
    const urls = list({ n });
    urls.map((i) => work({ n: i }), { spread: hash(host, ["a", "b"]), name: "bad" });
    return urls.map((i) => more({ n: i }), { spread: hash(String, ["a", "b"]) });
  });
  await startWorker({ store, workflows: [workflow] });
  const run = await submit(store, workflow, { n: 5 });
  expect(await ended(store, run)).toBe("failed");
  const map = await store.getStep(run, "bad");
  expect(map).toMatchObject({ state: "failed", reason: "error" });
  expect(JSON.parse(map?.error ?? "{}")).toMatchObject({
    name: "JobbersError",
    message: 'the spread "hash" of map "bad" failed for element 3: three has no host',
  });
  expect((await store.getStep(run, "more[4]"))?.state).toBe("succeeded");
  expect(await store.getStep(run, "work[0]")).toBeUndefined();
});

test("who has another version of the dag, without that spread, takes the queues in turn and says so", async () => {
  const store = await openStore();
  const old = chains(hash(String, ["a", "b"]), "versions");
  const current: AnyDag = dag("versions", { input: schema<{ n: number }>() }, ({ n }) => list({ n }));
  const run = await submit(store, old, { n: 10 });
  const warnings: string[] = [];
  const log: TaskLog = { ...silent, warn: (message) => warnings.push(message) };
  await startWorker({ store, workflows: [current, list, work, more], queues: ["default", "a", "b"], log });
  expect(await ended(store, run)).toBe("succeeded");
  expect(await countsOf(store, run)).toEqual({ a: 5, b: 5 });
  expect(warnings).toEqual([expect.stringContaining('has no spread "hash" for map "chain"')]);
});

test("a map whose key threw on a later page goes on where it was, once its run is retried with a better key", async () => {
  const store = await openStore();
  let isBroken = true;
  const key = (n: number) => {
    if (isBroken && n === 200) throw new Error("not yet");
    return n;
  };
  const workflow = chains(hash(key, ["a", "b"]), "mended");
  await startWorker({ store, workflows: [workflow] });
  const run = await submit(store, workflow, { n: 300 });
  expect(await ended(store, run)).toBe("failed");
  isBroken = false;
  await store.retry(run);
  expect(await result(store, run, workflow)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  const counts = Object.values(await countsOf(store, run));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300);
});
