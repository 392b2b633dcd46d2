import { dag, type Inlining, type Store, task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { Usual } from "../src/usual.js";
import { around, openStore, result, silent, startWorker, submit } from "./bench.js";

/** a → b, where b stands in its queue as its call says. */
function chainOf(inline?: Inlining) {
  const a = task({ name: "a", run: async () => null });
  const b = task({ name: "b", run: async () => null });
  return dag("chain", {}, () => b({}, { after: a({}), ...(inline && { inline }) }));
}

/** A store in whose histogram the task b takes so long. */
function knowing(store: Store, p50Ms: number, count = 20): Store {
  return around(store, async (verb, call) =>
    verb === "readDurations" ? { b: { count, p50Ms, p95Ms: 2 * p50Ms } } : call(),
  );
}

async function isInlined(store: Store, workflow: ReturnType<typeof chainOf>): Promise<boolean> {
  const run = await submit(store, workflow);
  await result(store, run, workflow);
  return (await store.getStep(run, "b"))?.inlined === true;
}

/** Whether b is handed straight on where it usually takes so long. */
async function isHandedOn(p50Ms: number, inline?: Inlining, count?: number): Promise<boolean> {
  const store = await openStore();
  const chain = chainOf(inline);
  await startWorker({ store: knowing(store, p50Ms, count), workflows: [chain] });
  return isInlined(store, chain);
}

describe("an only child", () => {
  it("is handed straight on by default, where its task is usually short or nobody knows", async () => {
    expect(await isHandedOn(5)).toBe(true);
    expect(await isHandedOn(5, "auto")).toBe(true);
    expect(await isHandedOn(5_000, "auto", 2)).toBe(true);
  });

  it("stands in its queue where its task is usually long", async () => {
    expect(await isHandedOn(5_000)).toBe(false);
    expect(await isHandedOn(5_000, "auto")).toBe(false);
  });

  it("is handed straight on however long it takes with `always`, and never with `never`", async () => {
    expect(await isHandedOn(5_000, "always")).toBe(true);
    expect(await isHandedOn(5, "never")).toBe(false);
  });

  it("stands in its queue where the worker's inlining is off, or does not take from it", async () => {
    const store = await openStore();
    const chain = chainOf("always");
    const off = await startWorker({ store, workflows: [chain], inline: false });
    expect(await isInlined(store, chain)).toBe(false);
    await off.stop();
    const a = task({ name: "a", run: async () => null });
    const b = task({ name: "b", queue: "side", run: async () => null });
    const aside = dag("aside", {}, () => b({}, { after: a({}) }));
    await startWorker({ store, workflows: [aside], queues: ["default"] });
    await startWorker({ store, workflows: [aside], queues: ["side"] });
    expect(await isInlined(store, aside)).toBe(false);
  });
});

describe("what tasks usually take", () => {
  const asker = (signal: AbortSignal) => ({ signal, log: silent, random: () => 0.5 });

  it("is what this worker has seen lately, before what the store says", async () => {
    const usual = new Usual();
    const ending = new AbortController();
    ending.abort();
    expect(usual.isLong("b")).toBe(false);
    for (let n = 0; n < 5; n++) usual.took("b", 900);
    expect(usual.isLong("b")).toBe(true);
    for (let n = 0; n < 5; n++) usual.took("b", 3);
    expect(usual.isLong("b")).toBe(false);
    // It has been long for ages, and now is short: that is noticed soon.
    for (let n = 0; n < 10_000; n++) usual.took("b", 900);
    for (let n = 0; n < 70; n++) usual.took("b", 3);
    expect(usual.isLong("b")).toBe(false);
  });

  it("is asked for again after the store did not answer", async () => {
    const usual = new Usual();
    const ending = new AbortController();
    let asked = 0;
    const store = {
      readDurations: async () => {
        asked += 1;
        ending.abort();
        throw new Error("away");
      },
    };
    await usual.keepAsking(store, ["b"], asker(ending.signal));
    expect([asked, usual.isLong("b")]).toEqual([1, false]);
  });
});
