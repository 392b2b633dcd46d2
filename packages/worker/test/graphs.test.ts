import { dag, type Expansion, eq, orElse, task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import {
  around,
  ended,
  openStore,
  outputOf,
  recorder,
  result,
  schema,
  silent,
  startWorker,
  submit,
} from "./bench.js";

const number = schema<{ n: number }>();
const add = task({
  name: "add",
  input: schema<{ a: number; b: number }>(),
  run: async ({ a, b }) => a + b,
});
const double = task({ name: "double", input: number, run: async ({ n }) => n * 2 });
const sum = task({
  name: "sum",
  input: schema<{ list: number[] }>(),
  run: async ({ list }) => list.reduce((all, n) => all + n, 0),
});

const diamond = dag("diamond", { input: number }, ({ n }) => {
  const left = double({ n }, { name: "left" });
  const right = add({ a: n, b: 1 }, { name: "right" });
  return add({ a: left, b: right }, { name: "join" });
});

describe("a worker", () => {
  it("runs a diamond", async () => {
    const store = await openStore();
    await startWorker({ store, workflows: [diamond] });
    const run = await submit(store, diamond, { n: 5 });
    expect(await result(store, run, diamond)).toBe(16);
  });

  it("lays a map out in pages of at most 64 steps, so that none holds up a store for long", async () => {
    const inner = await openStore();
    const pages: number[] = [];
    const store = around(inner, (verb, call, args) => {
      if (verb === "expand") pages.push((args[0] as Expansion).items.length);
      return call();
    });
    const wide = dag("wide", { input: schema<{ list: number[] }>() }, ({ list }) => ({
      // One entry step of each instance, and two.
      one: sum({ list: list.map((n) => double({ n })) }),
      two: list.map((n) => [double({ n }), add({ a: n, b: n })]),
    }));
    await startWorker({ store, workflows: [wide], concurrency: 50 });
    const run = await submit(inner, wide, { list: Array.from({ length: 300 }, () => 1) });
    expect(await ended(inner, run)).toBe("succeeded");
    const whole = [...Array(4).fill(64), 44, ...Array(9).fill(32), 12];
    expect(pages.sort((a, b) => b - a)).toEqual(whole.sort((a, b) => b - a));
  });

  it("runs a single task, and parses its input for the attempt", async () => {
    const store = await openStore();
    const trim = task({
      name: "trim",
      input: schema<string>((text) => text.trim()),
      run: async (text) => text.length,
    });
    await startWorker({ store, workflows: [trim] });
    const run = await submit(store, trim, "  abc ");
    expect(await result(store, run, trim)).toBe(3);
  });

  it("runs a map of 2,000 with its fan-in, which fires once", async () => {
    const store = await openStore();
    const wide = dag("wide", { input: schema<{ list: number[] }>() }, ({ list }) =>
      sum({ list: list.map((n) => double({ n })) }),
    );
    const { observe, count } = recorder();
    await startWorker({ store, workflows: [wide], concurrency: 50, observe });
    const list = Array.from({ length: 2_000 }, (_, i) => i);
    const run = await submit(store, wide, { list });
    expect(await result(store, run, wide)).toBe(1999 * 2000);
    expect(count({ type: "started", task: "double" })).toBe(2_000);
    expect(count({ type: "started", task: "sum" })).toBe(1);
  });

  it("runs maps inside maps, with bodies of several steps", async () => {
    const store = await openStore();
    const nested = dag("nested", { input: schema<{ rows: number[][] }>() }, ({ rows }) =>
      rows.map((row) => {
        const doubled = row.map((n) => add({ a: double({ n }), b: 1 }));
        return sum({ list: doubled });
      }),
    );
    await startWorker({ store, workflows: [nested] });
    const run = await submit(store, nested, { rows: [[1, 2, 3], [], [10]] });
    expect(await result(store, run, nested)).toEqual([15, 0, 21]);
  });

  it("lets an empty map succeed with an empty list", async () => {
    const store = await openStore();
    const empty = dag("empty", { input: schema<{ list: number[] }>() }, ({ list }) =>
      sum({ list: list.map((n) => double({ n })) }),
    );
    await startWorker({ store, workflows: [empty] });
    const run = await submit(store, empty, { list: [] });
    expect(await result(store, run, empty)).toBe(0);
  });

  it("judges `when`: true runs, false skips, and `orElse` stands in", async () => {
    const store = await openStore();
    const maybe = dag("maybe", { input: schema<{ mode: string; n: number }>() }, ({ mode, n }) => {
      const doubled = double({ n }, { when: eq(mode, "double") });
      return add({ a: orElse(doubled, -1), b: 0 }, { trigger: "none_failed" });
    });
    await startWorker({ store, workflows: [maybe] });
    const yes = await submit(store, maybe, { mode: "double", n: 4 });
    const no = await submit(store, maybe, { mode: "keep", n: 4 });
    expect(await result(store, yes, maybe)).toBe(8);
    expect(await result(store, no, maybe)).toBe(-1);
    expect((await store.getStep(no, "double"))?.state).toBe("skipped");
  });

  it("enters a dag inside a dag, and parses its input with its schema", async () => {
    const store = await openStore();
    const inner = dag(
      "inner",
      { input: schema<{ n?: number }, { n: number }>(({ n = 7 }) => ({ n })) },
      ({ n }) => double({ n }),
    );
    const outer = dag("outer", { input: schema<{ n: number }>() }, ({ n }) =>
      add({ a: inner({ n }), b: inner({}, { name: "second" }) }),
    );
    await startWorker({ store, workflows: [outer] });
    const run = await submit(store, outer, { n: 1 });
    expect(await result(store, run, outer)).toBe(16);
  });

  it("fails an inlined dag whose input does not fit, without a try", async () => {
    const store = await openStore();
    const small = schema<{ n: number }>((value) => {
      if (value.n <= 3) return value;
      throw Object.assign(new Error("too large"), { path: ["n"] });
    });
    const inner = dag("inner", { input: small }, ({ n }) => double({ n }));
    const outer = dag("outer", { input: schema<{ n: number }>() }, ({ n }) => inner({ n }));
    await startWorker({ store, workflows: [outer], log: silent });
    const run = await submit(store, outer, { n: 9 });
    expect(await ended(store, run)).toBe("failed");
    const step = await store.getStep(run, "inner");
    expect(step?.reason).toBe("invalid-input");
    expect(step?.error).toMatch(/input of inner\.n/);
  });

  it("fails a map that is not over a list, saying what it got", async () => {
    const store = await openStore();
    const pick = task({ name: "pick", run: async () => ({ list: "abc" }) as unknown as { list: number[] } });
    const broken = dag("broken", {}, () => pick({}).list.map((n) => double({ n })));
    await startWorker({ store, workflows: [broken] });
    const run = await submit(store, broken);
    expect(await ended(store, run)).toBe("failed");
    expect((await store.getStep(run, "double[]"))?.error).toMatch(/needs a list.*of type string/);
  });

  it("refuses a map that would make more than a million steps", async () => {
    const store = await openStore();
    const big = task({ name: "big", run: async () => Array.from({ length: 400_001 }, () => 1) });
    const huge = dag("huge", {}, () => big({}).map((n) => add({ a: add({ a: double({ n }), b: 1 }), b: 1 })));
    await startWorker({ store, workflows: [huge] });
    const run = await submit(store, huge);
    expect(await ended(store, run)).toBe("failed");
    expect((await store.getRun(run))?.failure).toMatch(/1200003 steps/);
  });

  it("starts all of more entry steps than one page holds, at the top and inside", async () => {
    const store = await openStore();
    const one = task({ name: "one", run: async () => 1 });
    const many = dag("many", {}, () => sum({ list: Array.from({ length: 620 }, () => one({})) }));
    const outer = dag("outer", {}, () => add({ a: many({}), b: 0 }));
    await startWorker({ store, workflows: [many, outer], concurrency: 100 });
    const top = await submit(store, many);
    const inside = await submit(store, outer);
    expect(await result(store, top, many)).toBe(620);
    expect(await result(store, inside, outer)).toBe(620);
  });

  it("follows a step that more siblings wait for than one page holds", async () => {
    const store = await openStore();
    const fan = dag("fan", { input: number }, ({ n }) => {
      const root = double({ n });
      return sum({ list: Array.from({ length: 620 }, () => add({ a: root, b: 1 })) });
    });
    await startWorker({ store, workflows: [fan], concurrency: 100 });
    const run = await submit(store, fan, { n: 1 });
    expect(await result(store, run, fan)).toBe(620 * 3);
  });

  it("runs onFailure when all else has settled", async () => {
    const store = await openStore();
    const boom = task({
      name: "boom",
      retry: { attempts: 1 },
      run: async (): Promise<number> => {
        throw new Error("no");
      },
    });
    const seen: unknown[] = [];
    const tell = task({
      name: "tell",
      input: schema<{ step: string; message: string }>(),
      run: async (what) => void seen.push(what),
    });
    const fragile = dag(
      "fragile",
      { onFailure: (failure) => tell({ step: failure.step, message: failure.error.message }) },
      () => double({ n: boom({}) }),
    );
    await startWorker({ store, workflows: [fragile] });
    const run = await submit(store, fragile);
    expect(await ended(store, run)).toBe("failed");
    expect(seen).toEqual([{ step: "boom", message: "no" }]);
  });

  it("hands large values over by reference, and a wide fan-in page by page", async () => {
    const store = await openStore();
    const text = "x".repeat(100_000);
    const measure = task({
      name: "measure",
      input: schema<{ text: string; n: number }>(),
      run: async ({ text, n }) => text.length + n,
    });
    const heavy = dag("heavy", { input: schema<{ text: string; list: number[] }>() }, ({ text, list }) =>
      sum({ list: list.map((n) => measure({ text, n })) }),
    );
    await startWorker({ store, workflows: [heavy] });
    const run = await submit(store, heavy, { text, list: Array.from({ length: 700 }, (_, i) => i) });
    expect(await result(store, run, heavy)).toBe(700 * 100_000 + (699 * 700) / 2);
    expect(await outputOf(store, run, heavy.plan)).toBe(700 * 100_000 + (699 * 700) / 2);
  });
});
