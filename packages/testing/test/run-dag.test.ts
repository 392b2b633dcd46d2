import {
  dag,
  hash,
  type Items,
  isItems,
  items,
  orElse,
  RetryAfter,
  RunFailed,
  type TaskContext,
  Terminal,
  task,
} from "@jobbers/core";
import { createFakeClock, runDag, settleDag } from "@jobbers/testing";
import { describe, expect, test } from "vitest";
import { type as schemaOf } from "./schemas.js";

const number = schemaOf<{ n: number }>((value) => typeof (value as { n?: unknown }).n === "number");
const double = task({ name: "double", input: number, run: async ({ n }) => n * 2 });
const sum = task({
  name: "sum",
  input: schemaOf<{ list: number[] }>((value) => Array.isArray((value as { list?: unknown }).list)),
  run: async ({ list }) => list.reduce((a, b) => a + b, 0),
});
const lists = schemaOf<{ list: number[] }>(() => true);

describe("runDag", () => {
  test("runs a diamond and answers its output", async () => {
    const diamond = dag("diamond", { input: number }, ({ n }) => {
      const top = double({ n });
      const [left, right] = [double({ n: top }), double({ n: top })];
      return sum({ list: [left, right] });
    });
    expect(await runDag(diamond, { n: 3 })).toBe(24);
    const { steps } = await settleDag(diamond, { n: 3 });
    expect(steps["double~2"]).toEqual({ state: "succeeded", attempts: 1, output: 12 });
  });

  test("asks spreads for queues, and shows them", async () => {
    const choose = ({ n }: { n: number }) => {
      if (n === 7) throw new Error("no seven");
      return n % 2;
    };
    const inner = dag("inner", { input: number }, ({ n }) => double({ n }));
    const spread = dag("spread", { input: schemaOf<{ list: { n: number }[] }>(() => true) }, ({ list }) =>
      list.map((each) => double({ n: inner({ n: double({ n: each.n }, { queue: "own" }) }) }), {
        spread: hash(choose, ["a", "b"]),
        name: "rows",
      }),
    );
    const { steps } = await settleDag(spread, { list: [{ n: 0 }, { n: 2 }, { n: 1 }] });
    const queue = steps["double~2[0]"]?.queue;
    expect(["a", "b"]).toContain(queue);
    expect(steps["inner[1]/double"]?.queue).toBe(queue);
    expect(steps["double~2[1]"]?.queue).toBe(queue);
    expect(steps["double[1]"]?.queue).toBe("own");
    const failed = await settleDag(spread, { list: [{ n: 7 }] });
    expect(failed).toMatchObject({ state: "failed", steps: { rows: { state: "failed", reason: "error" } } });
    expect(failed.steps.rows?.error?.message).toMatch(/"hash" of map "rows" failed for element 0: no seven/);
  });

  test("runs a task alone", async () => {
    expect(await runDag(double, { n: 4 })).toBe(8);
  });

  test("hands a task a map's results page by page, also inside another map", async () => {
    const paged = schemaOf<{ list: Items<number>; row?: number }>((value) =>
      isItems((value as { list?: unknown }).list),
    );
    const total = task({
      name: "total",
      input: paged,
      async run({ list, row = 0 }) {
        let sum = row;
        for await (const each of list) sum += each;
        return sum;
      },
    });
    const table = dag("table", { input: schemaOf<{ rows: number[][] }>(() => true) }, ({ rows }) => {
      const all = rows.map((row) => total({ list: items(row.map((n) => double({ n }))) }));
      const again = rows.map((_, row) => total({ list: items(all), row }));
      return { all, again, last: total({ list: items(again) }) };
    });
    const rows = [[1, 2], [], Array.from({ length: 600 }, () => 1)];
    expect(await runDag(table, { rows })).toEqual({
      all: [6, 0, 1_200],
      again: [1_206, 1_207, 1_208],
      last: 3_621,
    });
    const inner = dag("inner", { input: schemaOf<{ rows: number[] }>(() => true) }, ({ rows }) =>
      rows.map((n) => double({ n })),
    );
    const outer = dag("outer", { input: schemaOf<{ rows: number[] }>(() => true) }, ({ rows }) =>
      total({ list: items(inner({ rows })) }),
    );
    expect(await runDag(outer, { rows: [1, 2, 3] })).toBe(12);
  });

  test("runs maps, maps in maps and empty ones", async () => {
    const nested = schemaOf<{ rows: number[][] }>(() => true);
    const table = dag("table", { input: nested }, ({ rows }) =>
      rows.map((row) => row.map((n) => double({ n }))),
    );
    expect(await runDag(table, { rows: [[1, 2], [], [3]] })).toEqual([[2, 4], [], [6]]);
    const { steps } = await settleDag(table, { rows: [[1], []] });
    expect(Object.keys(steps)).toEqual(["double[][]", "double[0][]", "double[1][]", "double[0][0]"]);
  });

  test("runs a wide map in reasonable time", async () => {
    const wide = dag("wide", { input: lists }, ({ list }) => sum({ list: list.map((n) => double({ n })) }));
    const list = Array.from({ length: 5_000 }, () => 1);
    expect(await runDag(wide, { list })).toBe(10_000);
  });

  test("retries cost no real time", async () => {
    const clock = createFakeClock();
    const seen: number[] = [];
    const flaky = task({
      name: "flaky",
      retry: { attempts: 4, backoff: "exponential", delay: "10m", max: "1h", jitter: false },
      run: async (_, ctx) => {
        seen.push(clock.now());
        if (ctx.tries < 4) throw new Error(`try ${ctx.tries}`);
        return ctx.tries;
      },
    });
    const once = dag("once", {}, () => flaky());
    const { state, tookMs, steps } = await settleDag(once, {}, { clock });
    expect([state, tookMs]).toEqual(["succeeded", 70 * 60_000]);
    expect(steps.flaky).toMatchObject({ attempts: 4, output: 4 });
    expect(seen.map((ms) => ms - (seen[0] as number))).toEqual([0, 600_000, 1_800_000, 4_200_000]);
  });

  test("rejects with RunFailed, naming step, error and attempts", async () => {
    const broken = task({
      name: "broken",
      retry: { attempts: 2, delay: "1s" },
      run: async (): Promise<number> => Promise.reject(new TypeError("no")),
    });
    const failing = dag("failing", {}, () => double({ n: broken() }));
    const rejection = runDag(failing, {});
    await expect(rejection).rejects.toBeInstanceOf(RunFailed);
    await expect(rejection).rejects.toMatchObject({
      step: "broken",
      attempts: 2,
      error: { name: "TypeError", message: "no" },
    });
    const { state, steps } = await settleDag(failing, {});
    expect(state).toBe("failed");
    expect(steps.double).toMatchObject({ state: "cancelled", reason: "parent", attempts: 0 });
  });

  test("catch rescues, finally runs, onFailure tells", async () => {
    const told: unknown[] = [];
    const broken = task({
      name: "broken",
      retry: { attempts: 1 },
      run: async (): Promise<number> => Promise.reject(new Error("no")),
    });
    const tell = task({
      name: "tell",
      input: schemaOf<unknown>(() => true),
      run: async (what) => void told.push(what),
    });
    const saved = dag("saved", {}, () => {
      const bad = broken();
      const rescue = double({ n: 21 }, { name: "rescue", after: bad, trigger: "one_failed" });
      tell("finally", { after: bad, trigger: "all_done" });
      return { value: orElse(rescue, 0) };
    });
    expect(await runDag(saved, {})).toEqual({ value: 42 });
    expect(told).toEqual(["finally"]);
    const watched = dag("watched", { onFailure: (failure) => void tell(failure.step) }, () => broken());
    await expect(runDag(watched, {})).rejects.toMatchObject({ step: "broken" });
    expect(told).toEqual(["finally", "broken"]);
  });

  test("a timeout aborts the signal on the fake clock, and may be retried", async () => {
    const reasons: unknown[] = [];
    const slow = task({
      name: "slow",
      timeout: "30m",
      retry: { attempts: 2, backoff: "fixed", delay: "1m", jitter: false },
      run: (_, ctx) =>
        new Promise<number>((resolve) => {
          if (ctx.tries === 2) resolve(1);
          ctx.signal.addEventListener("abort", () =>
            reasons.push((ctx.signal.reason as { reason: string }).reason),
          );
        }),
    });
    const { state, tookMs } = await settleDag(slow, {});
    expect([state, tookMs, reasons]).toEqual(["succeeded", 31 * 60_000, ["timeout"]]);
  });

  test("what a handler throws, and what its task thinks of it, decides about the next try", async () => {
    const judging = (on: (tries: number) => unknown) =>
      task({
        name: "judging",
        retry: {
          attempts: 4,
          delay: ["1m", "1h"],
          on: (error) => !(error instanceof RangeError),
        },
        run: async (_, { tries }): Promise<number> => {
          const thrown = on(tries);
          if (thrown === undefined) return tries;
          throw thrown;
        },
      });
    const ends = async (on: (tries: number) => unknown) => {
      const { state, tookMs } = await settleDag(judging(on), {});
      return [state, tookMs];
    };
    expect(await ends((tries) => (tries < 4 ? new Error("no") : undefined))).toEqual([
      "succeeded",
      121 * 60_000,
    ]);
    expect(await ends((tries) => (tries === 1 ? new Error("no") : new RangeError("never")))).toEqual([
      "failed",
      60_000,
    ]);
    expect(await ends(() => new Terminal("over"))).toEqual(["failed", 0]);
    expect(await ends((tries) => (tries === 1 ? new RetryAfter("2d") : undefined))).toEqual([
      "succeeded",
      48 * 3_600_000,
    ]);
  });

  test("a handler that is silent for longer than its heartbeat allows is frozen", async () => {
    const clock = createFakeClock();
    const silent = task({
      name: "silent",
      heartbeat: "10s",
      retry: { attempts: 1 },
      run: async (_, ctx) => {
        for (let n = 0; n < 3; n++) {
          await clock.after(9_000);
          ctx.heartbeat();
        }
        await clock.after(60_000);
      },
    });
    const { tookMs, steps } = await settleDag(silent, {}, { clock });
    expect(tookMs).toBe(37_000);
    expect(steps.silent).toMatchObject({ state: "failed", reason: "frozen" });
  });

  test("real waiting inside a handler does not run into timeouts of the fake clock", async () => {
    const real = task({
      name: "real",
      timeout: "5s",
      retry: { attempts: 1 },
      run: () => new Promise<string>((resolve) => setTimeout(() => resolve("done"), 30)),
    });
    expect(await runDag(real, {})).toBe("done");
    // Nor does it where something else was under way before, and ends meanwhile.
    const another = new Promise((resolve) => setTimeout(resolve, 5));
    expect(await runDag(real, {})).toBe("done");
    await another;
  });

  test("real waiting counts as going on where a timer of others ends in the moment in which it begins", async () => {
    const others = setTimeout(() => {}, 60_000);
    const real = task({
      name: "real",
      timeout: "5s",
      retry: { attempts: 1 },
      run: () => {
        clearTimeout(others);
        return new Promise<string>((resolve) => setTimeout(() => resolve("done"), 30));
      },
    });
    expect(await runDag(real, {})).toBe("done");
  });

  test("a timer of a handler that keeps no process alive does not hold the clock up", async () => {
    const idle = task({
      name: "idle",
      timeout: "5s",
      retry: { attempts: 1 },
      run: () => new Promise<string>((resolve) => setTimeout(() => resolve("late"), 60_000).unref()),
    });
    expect(await settleDag(idle, {})).toMatchObject({ state: "failed", tookMs: 5_000 });
  });

  test("handlers may be replaced, and get deps", async () => {
    const fetchPage = task({
      name: "fetch-page",
      input: schemaOf<{ url: string }>(() => true),
      run: async ({ url }, ctx: TaskContext<{ base: string }>): Promise<string> => ctx.deps.base + url,
    });
    const pages = dag("pages", { input: schemaOf<{ urls: string[] }>(() => true) }, ({ urls }) =>
      urls.map((url) => fetchPage({ url })),
    );
    expect(await runDag(pages, { urls: ["/a"] }, { deps: { base: "x:" } })).toEqual(["x:/a"]);
    const tasks = { "fetch-page": async ({ url }: { url: string }) => `mock ${url}` };
    expect(await runDag(pages, { urls: ["/a", "/b"] }, { tasks })).toEqual(["mock /a", "mock /b"]);
  });

  test("inputs are checked by their schemas: the run's, a dag's inside, a task's", async () => {
    const inner = dag("inner", { input: number }, ({ n }) => double({ n }));
    const outer = dag("outer", { input: schemaOf<{ x: number }>(() => true) }, ({ x }) => inner({ n: x }));
    await expect(runDag(inner, { n: "x" } as never)).rejects.toMatchObject({ code: "input-invalid" });
    await expect(runDag(outer, { x: "x" as never })).rejects.toMatchObject({ step: "inner" });
    expect(await runDag(outer, { x: 5 })).toBe(10);
    const loose = dag("loose", { input: schemaOf<{ x: number }>(() => true) }, ({ x }) => double({ n: x }));
    const { steps } = await settleDag(loose, { x: "x" as never });
    expect(steps.double).toMatchObject({ state: "failed", reason: "invalid-input", attempts: 1 });
  });

  test("an output that JSON cannot carry fails the step, at once", async () => {
    const odd = task({ name: "odd", run: async () => Number.NaN });
    const { steps } = await settleDag(odd, {});
    expect(steps.odd).toMatchObject({ state: "failed", reason: "invalid-output", attempts: 1 });
  });
});
