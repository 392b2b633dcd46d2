import { dag, limitUsesOf, type TaskContext, task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { createWorker } from "../src/index.js";
import { ended, gate, openStore, recorder, result, schema, silent, startWorker, submit } from "./bench.js";

interface Page {
  readonly host: string;
}
const page = schema<Page>();

describe("limits", () => {
  it("keep attempts of one key apart, and leave those of others alone", async () => {
    const store = await openStore();
    const running = new Map<string, number>();
    let most = 0;
    const fetchPage = task({
      name: "fetch",
      input: page,
      limits: [{ concurrency: 1, key: (i) => i.host }],
      run: async ({ host }) => {
        const n = (running.get(host) ?? 0) + 1;
        running.set(host, n);
        most = Math.max(most, n);
        await new Promise((resolve) => setImmediate(resolve));
        running.set(host, n - 1);
        return host;
      },
    });
    await startWorker({ store, workflows: [fetchPage], concurrency: 10 });
    const hosts = ["x", "x", "x", "y", "y"];
    const runs = await Promise.all(hosts.map((host) => submit(store, fetchPage, { host })));
    for (const [i, run] of runs.entries()) expect(await result(store, run, fetchPage)).toBe(hosts[i]);
    expect(most).toBe(1);
    expect(await store.readLimit("fetch/concurrency", "x")).toMatchObject({ used: 0, parked: 0 });
  });

  it.each([
    ["throws", () => new URL("no address").host, /limit "fetch\/concurrency": its key threw: .*Invalid URL/],
    ["answers no text", (i: Page) => i as unknown as string, /its key answered .*; a key is text/],
  ])("fail the one step whose key function %s, and say so", async (_, key, message) => {
    const store = await openStore();
    const fetchPage = task({
      name: "fetch",
      input: page,
      retry: { attempts: 1 },
      limits: [{ concurrency: 1, key }],
      run: async ({ host }) => host,
    });
    const other = task({ name: "other", run: async () => 1 });
    await startWorker({ store, workflows: [fetchPage, other] });
    const run = await submit(store, fetchPage, { host: "x" });
    expect(await ended(store, run)).toBe("failed");
    const step = await store.getStep(run, "fetch");
    expect(JSON.parse(step?.error ?? "null").message).toMatch(message);
    expect(await result(store, await submit(store, other), other)).toBe(1);
  });

  it("fail a step whose input does not fit as ever", async () => {
    const store = await openStore();
    const strict = schema<Page>(({ host }) => {
      if (typeof host !== "string") throw new Error("host is missing");
      return { host };
    });
    const fetchPage = task({
      name: "fetch",
      input: strict,
      limits: [{ concurrency: 1, key: (i) => i.host }],
      run: async ({ host }) => host,
    });
    await startWorker({ store, workflows: [fetchPage] });
    const run = await submit(store, fetchPage, {});
    expect(await ended(store, run)).toBe("failed");
    expect(await store.getStep(run, "fetch")).toMatchObject({ reason: "invalid-input" });
  });

  it("hold in dags, whose steps are admitted once their inputs are there", async () => {
    const store = await openStore();
    const host = task({ name: "host", run: async () => "x" });
    const fetchPage = task({
      name: "fetch",
      input: page,
      limits: [{ name: "hosts", concurrency: 1, key: (i) => i.host }],
      run: async ({ host }) => host,
    });
    const both = dag("both", {}, () => fetchPage({ host: host() }));
    await startWorker({ store, workflows: [both] });
    expect(await result(store, await submit(store, both), both)).toBe("x");
    expect(await store.listLimits()).toMatchObject([
      { name: "hosts", default: { concurrency: 1 }, isKeyed: true },
    ]);
  });

  it("are throttled for everybody by a task that is told to slow down", async () => {
    const store = await openStore();
    const told = gate();
    const go = gate();
    const fetchPage = task({
      name: "fetch",
      input: page,
      limits: [{ rate: 100, per: "1s", burst: 5, key: (i) => i.host }],
      run: async ({ host }, ctx: TaskContext) => {
        await ctx.throttled("1h");
        told.open();
        await go.promise;
        return host;
      },
    });
    await startWorker({ store, workflows: [fetchPage], concurrency: 1 });
    const run = await submit(store, fetchPage, { host: "x" });
    await told.promise;
    const usage = await store.readLimit("fetch/rate", "x");
    expect(usage.throttledUntilMs).toBeGreaterThan(usage.nowMs + 3_500_000);
    expect(await store.readLimit("fetch/rate", "y")).not.toHaveProperty("throttledUntilMs");
    go.open();
    expect(await result(store, run, fetchPage)).toBe("x");
  });

  it("tell a task that throttles what it has not that nothing came of it", async () => {
    const store = await openStore();
    const warnings: unknown[] = [];
    const free = task({ name: "free", run: async (_, ctx: TaskContext) => ctx.throttled("1s", "stripe") });
    await startWorker({
      store,
      workflows: [free],
      log: { ...silent, warn: (...line) => void warnings.push(line) },
    });
    expect(await ended(store, await submit(store, free))).toBe("succeeded");
    expect(warnings).toHaveLength(1);
    expect(String((warnings[0] as string[])[0])).toMatch(/does not stand under "stripe"/);
  });

  it("stay exact when a worker is gone for good: its slots come back with its steps", async () => {
    const store = await openStore("memory:", { expireMemorySessions: true });
    const held = gate();
    const seen = recorder();
    const work = task({ name: "work", limits: [{ concurrency: 1 }], run: async () => held.promise });
    const doomed = createWorker({ store, workflows: [work], log: silent, observe: seen.observe });
    await doomed.start();
    const run = await submit(store, work);
    await seen.seen({ type: "started" });
    expect(await store.readLimit("work/concurrency", "")).toMatchObject({ used: 1 });
    await doomed.stop({ giveBack: true });
    expect(await store.readLimit("work/concurrency", "")).toMatchObject({ used: 0 });
    held.open();
    await startWorker({ store, workflows: [work] });
    expect(await ended(store, run)).toBe("succeeded");
  });

  it("are refused where two tasks mean different things by one name", () => {
    const one = task({ name: "one", limits: [{ name: "s", concurrency: 1 }], run: async () => 1 });
    const two = task({ name: "two", limits: [{ name: "s", concurrency: 2 }], run: async () => 1 });
    const open = () => createWorker({ store: {} as never, workflows: [one, two], log: silent });
    expect(open).toThrow(/tasks "one" and "two" declare the limit "s" with different settings/);
  });

  it("have keys of any length told apart", () => {
    const long = task({
      name: "long",
      input: schema<{ readonly key: string }>(),
      limits: [{ concurrency: 1, key: (i) => i.key }],
      run: async () => 1,
    });
    const keyOf = (key: string) => limitUsesOf(long, { key })[0]?.key as string;
    expect(keyOf("example.org")).toBe("example.org");
    expect(keyOf("é".repeat(500)).length).toBeLessThan(60);
    expect(keyOf(`${"é".repeat(500)}a`)).not.toBe(keyOf(`${"é".repeat(500)}b`));
  });
});
