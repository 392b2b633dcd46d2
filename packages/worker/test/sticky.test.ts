import { dag, type Store, sticky, task } from "@jobbers/core";
import { createFakeClock, until } from "@jobbers/testing";
import { expect, test } from "vitest";
import { gate, openStore, result, schema, startWorker, submit } from "./bench.js";

const number = schema<{ n: number }>();
const list = task({
  name: "list",
  input: number,
  run: async ({ n }) => Array.from({ length: n }, (_, i) => i),
});

/** Which workers ran steps, by address. */
async function workersOf(store: Store, run: string): Promise<Record<string, string | undefined>> {
  const { steps } = await store.listSteps(run, { limit: 500, states: ["succeeded"] });
  return Object.fromEntries(
    steps.filter(({ kind }) => kind === "task").map(({ address, worker }) => [address, worker]),
  );
}

test("a map's children run where its list was made, however idle others are, chains and all", async () => {
  const store = await openStore();
  const opened = gate();
  const first = task({ name: "first", input: number, run: () => opened.promise });
  const work = task({ name: "work", input: number, run: async ({ n }) => n });
  const more = task({ name: "more", input: number, run: async ({ n }) => n });
  const flow = dag("flow", { input: number }, ({ n }) => {
    const ready = first({ n });
    return list({ n }, { after: ready, sticky: "10m" }).map((i) => more({ n: work({ n: i }) }), {
      spread: sticky({ within: "10m" }),
    });
  });
  await startWorker({ store, workflows: [flow], name: "one", concurrency: 2 });
  const run = await submit(store, flow, { n: 40 });
  await until(store, async () => (await store.getStep(run, "first"))?.state === "running");
  await startWorker({ store, workflows: [flow], name: "two", concurrency: 10 });
  opened.open();
  expect(await result(store, run, flow)).toHaveLength(40);
  const workers = await workersOf(store, run);
  expect(Object.keys(workers)).toHaveLength(82);
  expect(new Set(Object.values(workers))).toEqual(new Set(["one"]));
});

test("what a worker that stops has left goes to others at once, and what it ends while it stops is for all", async () => {
  const clock = createFakeClock();
  const store = await openStore("memory:", { clock: clock.now });
  const opened = gate();
  const begun = gate();
  const slow = task({ name: "slow", input: number, run: () => opened.promise });
  const last = task({ name: "last", input: number, run: async () => begun.open() });
  const flow = dag("flow", { input: number }, ({ n }) =>
    last({ n }, { after: slow({ n }), sticky: "10m", inline: "never" }),
  );
  const one = await startWorker({ store, workflows: [flow], name: "one" });
  const run = await submit(store, flow, { n: 1 });
  await until(store, async () => (await store.getStep(run, "slow"))?.state === "running");
  const stopping = one.stop();
  const two = await startWorker({ store, workflows: [flow], name: "two" });
  opened.open();
  await begun.promise;
  await stopping;
  await until(store, async () => (await store.getRun(run))?.state === "succeeded");
  expect(await workersOf(store, run)).toEqual({ slow: "one", last: "two" });
  await two.stop();
});
