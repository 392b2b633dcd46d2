import { describe, expect, test } from "vitest";
import { z } from "zod";
import { concurrency, dag, rate, type TaskContext, task, testContext } from "../src/index.js";

const page = task({
  name: "page",
  input: z.object({ url: z.url() }),
  limits: [rate({ limit: 10, per: "1s", key: (i) => new URL(i.url).host }), { concurrency: 2 }],
  keep: "1h",
  tags: ["web", "web", "slow"],
  async run({ url }, ctx) {
    ctx.heartbeat({ at: "downloaded", done: 1, total: 2 });
    ctx.log.info("got it", { url });
    ctx.log.warn("odd");
    return { url, attempt: ctx.attempt };
  },
});

describe("a task object", () => {
  test("is callable and says what it is", () => {
    expect(typeof page).toBe("function");
    expect({ ...page }).toMatchObject({
      kind: "task",
      name: "page",
      queue: "default",
      keepMs: 3_600_000,
      tags: ["web", "slow"],
    });
    expect(page.options.keep).toBe("1h");
    expect(page.limits).toHaveLength(2);
    expect(page.limits[0]?.key?.({ url: "https://x.org/a" } as never)).toBe("x.org");
    expect(page.timeoutMs).toBeUndefined();
    expect(page.startWithinMs).toBeUndefined();
    expect(page.input?.["~standard"].version).toBe(1);
  });

  test("computes its plan once", () => {
    expect(page.plan).toBe(page.plan);
    expect(task({ name: "page", run: async () => 1 }).version).toBe(page.version);
    expect(task({ name: "page", queue: "q", run: async () => 1 }).version).not.toBe(page.version);
  });

  test("has the time to start in its plan where one is given", () => {
    const quick = task({ name: "quick", startWithin: "1.5m", run: () => 1 });
    expect(quick.plan.steps[0]).toMatchObject({ startWithinMs: 90_000 });
    expect(task({ name: "page", run: () => 1 }).plan.steps[0]).not.toHaveProperty("startWithinMs");
  });

  test("keeps its functions out of its plan", () => {
    const on = () => false;
    const hooks = { onError: () => {} };
    const run = async () => 1;
    const judging = task({ name: "t", retry: { delay: ["1s", "1d"], on }, hooks, run });
    expect({ ...judging }).toMatchObject({ retryOn: on, hooks });
    expect(judging.version).toBe(task({ name: "t", retry: { delay: ["1s", "1d"] }, run }).version);
    expect(judging.version).not.toBe(task({ name: "t", retry: { delay: ["1s", "2d"] }, run }).version);
    expect(task({ name: "t", hooks: {}, run }).hooks).toBeUndefined();
    expect(task({ name: "t", retry: { on }, run }).version).toBe(task({ name: "t", run }).version);
  });

  test("keeps limits as literals, whichever way they are written", () => {
    const key = (i: unknown) => String(i);
    expect(rate({ limit: 10, per: "1s", key })).toEqual({ rate: 10, per: "1s", key });
    expect(concurrency({ limit: 2 })).toEqual({ concurrency: 2 });
  });
});

describe("run", () => {
  test("calls the function with a context that can be read back", async () => {
    const ctx = testContext({ attempt: 3 });
    expect(await page.run({ url: "https://x.org" }, ctx)).toEqual({ url: "https://x.org", attempt: 3 });
    expect(ctx.heartbeats).toEqual([{ at: "downloaded", done: 1, total: 2 }]);
    expect(ctx.logged).toEqual([
      { level: "info", message: "got it", fields: { url: "https://x.org" } },
      { level: "warn", message: "odd" },
    ]);
  });

  test("does not parse its input, which the worker has parsed already", async () => {
    const number = task({
      name: "n",
      input: z.object({ n: z.string().transform(Number) }),
      run: ({ n }) => n,
    });
    expect(await number.run({ n: 5 }, testContext())).toBe(5);
  });

  test("parses its output, and makes nothing null", async () => {
    const output = z.date().transform((date) => date.toISOString());
    const date = task({ name: "date", output, run: () => new Date(0) });
    expect(await date.run({}, testContext())).toBe("1970-01-01T00:00:00.000Z");
    const bad = task({ name: "bad", output, run: () => "x" as unknown as Date });
    await expect(bad.run({}, testContext())).rejects.toMatchObject({ code: "output-invalid" });
    expect(await task({ name: "void", run: () => {} }).run({}, testContext())).toBeNull();
  });

  test("rejects with whatever the function throws, also synchronously", async () => {
    const thrower = task({
      name: "t",
      run: (): number => {
        throw null;
      },
    });
    await expect(thrower.run({}, testContext())).rejects.toBeNull();
  });

  test("gives deps and an aborting signal through", async () => {
    const abort = new AbortController();
    const ctx = testContext({ deps: { db: "db" }, signal: abort.signal });
    const user = task({
      name: "u",
      run: async (_: object, { deps, signal }: TaskContext<{ db: string }>) => [deps.db, signal.aborted],
    });
    abort.abort();
    expect(await user.run({}, ctx)).toEqual(["db", true]);
  });
});

test("a dag object says what it is", () => {
  const crawl = dag(
    "crawl",
    { input: z.object({ url: z.url() }), tags: ["web"], failure: "continue" },
    ({ url }) => page({ url }),
  );
  expect({ ...crawl }).toMatchObject({ kind: "dag", name: "crawl", tags: ["web"] });
  expect(crawl.plan).toMatchObject({ format: 1, kind: "dag", name: "crawl", failure: "continue" });
  expect(crawl.version).toMatch(/^[0-9a-f]{32}$/);
  expect(crawl.tasks.get("page")).toBe(page);
  expect(crawl.dags.size).toBe(0);
});
