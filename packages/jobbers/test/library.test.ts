import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { connect, dag, type Jobbers, type Run, RunCancelled, RunFailed, task } from "../src/index.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

const double = task({ name: "double", input: z.object({ n: z.number() }), run: async ({ n }) => n * 2 });
const sum = task({
  name: "sum",
  input: z.object({ all: z.array(z.number()) }),
  run: async ({ all }) => all.reduce((a, b) => a + b, 0),
});
const doubles = dag(
  "doubles",
  {
    input: z.object({ list: z.array(z.coerce.number()), title: z.string().default("untitled") }),
    tags: ["maths"],
  },
  ({ list, title }) => {
    const each = list.map((n) => double({ n }));
    return { each, total: sum({ all: each }), title };
  },
);
const broken = task({
  name: "broken",
  retry: { attempts: 2, delay: "1ms", backoff: "fixed", jitter: false },
  run: async (): Promise<string> => {
    throw new RangeError("out of luck");
  },
});
const endless = task({
  name: "endless",
  run: async (_input, ctx) => {
    await delay(3_600_000, undefined, { signal: ctx.signal });
    return null;
  },
});
const workflows = [doubles, broken, endless];

let open: Jobbers[] = [];
afterEach(async () => {
  await Promise.all(open.map((jobbers) => jobbers.close()));
  open = [];
});

async function connected(): Promise<Jobbers> {
  const jobbers = await connect("memory:");
  open.push(jobbers);
  return jobbers;
}

async function working(): Promise<Jobbers> {
  const jobbers = await connected();
  await jobbers.worker({ workflows }).start();
  return jobbers;
}

const code = (value: string) => expect.objectContaining({ code: value });

describe("connect", () => {
  it.each([
    ["redis://:secret@", "this is no URL of a Redis store; write redis://HOST:PORT/DB"],
    [
      "postgres://me:secret@localhost/db",
      'there are no "postgres:" stores; use sqlite:PATH, memory:, redis://HOST or rediss://HOST',
    ],
    [
      "./jobs.db",
      '"./jobs.db" is no URL of a store; use sqlite:PATH, memory:, redis://HOST or rediss://HOST',
    ],
    ["sqlite:", "sqlite: needs the path of a file, as in sqlite:./jobs.db"],
    ["memory:x", "memory: takes nothing behind its colon"],
    ["", '"" is no URL of a store'],
  ])("refuses %j and shows no password", async (url, message) => {
    const error = (await connect(url).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toEqual(code("store-url-invalid"));
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("secret");
  });

  it("closes with `await using`, and rejects what still waits", async () => {
    let pending: Promise<unknown>;
    {
      await using jobbers = await connect("memory:");
      const run = await jobbers.submit(endless);
      pending = run.result().catch((error: unknown) => error);
    }
    expect(await pending).toEqual(code("store-closed"));
  });
});

describe("submit and result", () => {
  it("carry the workflow's types", async () => {
    const jobbers = await connected();
    const run = await jobbers.submit(doubles, { list: [1] });
    expectTypeOf(run).toEqualTypeOf<Run<{ each: number[]; total: number; title: string }>>();
    expectTypeOf(await jobbers.submitMany(double, [])).toExtend<{ id: string }[]>();
    expectTypeOf(jobbers.run(ID, double)).toEqualTypeOf<Run<number>>();
    expectTypeOf(jobbers.run(ID)).toEqualTypeOf<Run<unknown>>();
    // @ts-expect-error an input that is missing
    void jobbers.submit(doubles).catch(() => undefined);
    // @ts-expect-error a wrong input
    void jobbers.submit(double, { n: "1" }).catch(() => undefined);
    // @ts-expect-error a wrong option
    void jobbers.submit(endless, {}, { prio: 1 }).catch(() => undefined);
  });

  it("run a dag whose input is parsed once", async () => {
    const jobbers = await working();
    const run = await jobbers.submit(doubles, { list: ["1", 2, 3] as unknown as number[] });
    expect(await run.result()).toEqual({ each: [2, 4, 6], total: 12, title: "untitled" });
    expect(await run.status()).toMatchObject({
      id: run.id,
      state: "succeeded",
      tags: ["maths"],
      priority: 5,
    });
  });

  it("run a single task, an empty map, and a map wider than a page", async () => {
    const jobbers = await working();
    expect(await (await jobbers.submit(double, { n: 21 })).result()).toBe(42);
    expect(await (await jobbers.submit(doubles, { list: [] })).result()).toEqual({
      each: [],
      total: 0,
      title: "untitled",
    });
    const list = Array.from({ length: 1201 }, (_, i) => i);
    const { each, total } = await (await jobbers.submit(doubles, { list })).result();
    expect(each).toEqual(list.map((n) => n * 2));
    expect(total).toBe(1200 * 1201);
  });

  it.each([
    ["input-invalid", double, { n: "x" }, {}],
    ["not-json", double, { n: 1, extra: 1n }, {}],
    ["not-json", double, JSON.parse('{"n":1,"__proto__":{}}'), {}],
    ["id-invalid", double, { n: 1 }, { id: ID.toLowerCase() }],
    ["flag-invalid", double, { n: 1 }, { priority: 10 }],
    ["flag-invalid", double, { n: 1 }, { durability: "all" }],
    // This store has no replica.
    ["flag-invalid", double, { n: 1 }, { durability: "replica" }],
    ["flag-invalid", double, { n: 1 }, { delay: "soon" }],
    ["flag-invalid", double, { n: 1 }, { delay: 1, runAt: 1 }],
    ["run-at-invalid", double, { n: 1 }, { runAt: 0 }],
    ["run-at-invalid", double, { n: 1 }, { runAt: new Date("9999-12-31") }],
    ["run-at-invalid", double, { n: 1 }, { runAt: Math.floor(Date.now() / 1000) }],
    ["flag-invalid", double, { n: 1 }, { keep: -1 }],
    ["flag-invalid", double, { n: 1 }, { deadline: "9999d" }],
    ["flag-invalid", double, { n: 1 }, { idempotencyKey: "" }],
    ["flag-invalid", double, { n: 1 }, { singleton: true, throttle: { per: "1s" } }],
    ["flag-invalid", double, { n: 1 }, { tags: [""] }],
    ["flag-invalid", double, { n: 1 }, { prio: 1 }],
    ["definition-invalid", { name: "double" }, { n: 1 }, {}],
  ])("refuse bad input: %s", async (expected, workflow, input, options) => {
    const jobbers = await connected();
    await expect(
      jobbers.submit(workflow as typeof double, input as { n: number }, options as object),
    ).rejects.toEqual(code(expected));
    expect((await jobbers.store.listRuns({ limit: 10 })).runs).toEqual([]);
  });

  it("refuse an input of more than 16 MiB", async () => {
    const jobbers = await connected();
    const large = { list: [], title: "x".repeat(17 * 1024 * 1024) };
    await expect(jobbers.submit(doubles, large)).rejects.toEqual(code("value-too-large"));
  });

  it("refuse an input nested 5,000 deep", async () => {
    const jobbers = await connected();
    let deep: unknown = 1;
    for (let i = 0; i < 5000; i++) deep = [deep];
    await expect(jobbers.submit(double, { n: deep } as never)).rejects.toEqual(code("not-json"));
  });

  it("answer the same run for the same content, and a conflict for other content", async () => {
    const jobbers = await working();
    const first = await jobbers.submit(double, { n: 1 }, { id: ID, tags: ["a"] });
    expect(await first.result()).toBe(2);
    const again = await jobbers.submit(double, { n: 1 }, { id: ID, tags: ["a"] });
    expect(again.id).toBe(first.id);
    expect(await again.result()).toBe(2);
    for (const [workflow, n, tags] of [
      [double, 2, ["a"]],
      [double, 1, ["b"]],
      [broken, 1, ["a"]],
    ] as const) {
      await expect(jobbers.submit(workflow, { n } as never, { id: ID, tags })).rejects.toEqual(
        code("run-conflict"),
      );
    }
    expect((await jobbers.store.listRuns({ limit: 10 })).runs).toHaveLength(1);
  });

  it("answer the run that holds a key", async () => {
    const jobbers = await working();
    const first = await jobbers.submit(double, { n: 1 }, { idempotencyKey: "order-17" });
    const again = await jobbers.submit(double, { n: 1 }, { idempotencyKey: { key: "order-17" } });
    expect(again.id).toBe(first.id);
    expect(await again.result()).toBe(2);
    await expect(jobbers.submit(double, { n: 2 }, { idempotencyKey: "order-17" })).rejects.toMatchObject({
      ...{ code: "key-conflict", detail: { holder: first.id } },
    });
    const late = { debounce: { key: "k", wait: "40ms" } } as const;
    const items = [1, 2, 3].map((n) => ({ input: { n }, ...late }));
    const many = await jobbers.submitMany(double, items);
    const [a, , c] = many.map((each) => (each.status === "refused" ? undefined : each.run));
    expect(await c?.result()).toBe(6);
    await expect(a?.result()).rejects.toThrow(
      `run ${a?.id} was cancelled: run ${many[1]?.id} took its place`,
    );
  });

  it("go on after a retry only where their key is not another's", async () => {
    const jobbers = await connected();
    const first = await jobbers.submit(double, { n: 1 }, { singleton: true });
    await first.cancel();
    const second = await jobbers.submit(double, { n: 2 }, { singleton: true });
    await expect(first.retry()).rejects.toMatchObject({ code: "key-taken", detail: { holder: second.id } });
    await second.cancel();
    expect(await first.retry()).toBe("retried");
    expect((await jobbers.submit(double, { n: 3 }, { singleton: {} })).id).toBe(first.id);
  });

  it("wait for a delay", async () => {
    const jobbers = await working();
    const run = await jobbers.submit(double, { n: 4 }, { delay: "40ms" });
    expect((await run.status()).state).toBe("scheduled");
    expect(await run.result()).toBe(8);
  });

  it("fail at their deadline, and the handler has its signal", async () => {
    const jobbers = await working();
    const run = await jobbers.submit(endless, {}, { deadline: "60ms" });
    const error = await run.result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error).toMatchObject({ run: run.id, step: "", error: { name: "DeadlineExceeded" } });
    expect((error as Error).message).toMatch(/^run \w+ failed: DeadlineExceeded: /);
    expect((await run.status()).state).toBe("failed");
    expect((await run.explain()).sentence).toMatch(/failed .*, with DeadlineExceeded/);
  });

  it("fail where a step was not started in time, though nobody serves its queue", async () => {
    const jobbers = await working();
    const late = task({ name: "late", queue: "nobody", startWithin: "60ms", run: async () => 1 });
    const error = await (await jobbers.submit(late)).result().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ step: "late", error: { name: "StepExpired" } });
  });

  it("say which step failed, why, and after how many tries", async () => {
    const jobbers = await working();
    const run = await jobbers.submit(broken);
    const error = await run.result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error).toMatchObject({
      run: run.id,
      step: "broken",
      attempts: 2,
      error: { name: "RangeError", message: "out of luck" },
    });
    expect((await run.status()).failure).toMatchObject({ step: "broken", error: { name: "RangeError" } });
  });

  it("come from a retry by hand, which reruns what failed and keeps the rest", async () => {
    const calls: string[] = [];
    const first = task({ name: "first", run: async () => calls.push("first") });
    const flaky = task({
      name: "flaky",
      input: z.object({ n: z.number() }),
      retry: { attempts: 1 },
      run: async ({ n }) => {
        if (calls.push("flaky") < 3) throw new Error("not yet");
        return n;
      },
    });
    const twoSteps = dag("two-steps", {}, () => flaky({ n: first({}) }));
    const jobbers = await connected();
    await jobbers.worker({ workflows: [twoSteps, broken] }).start();
    const run = await jobbers.submit(twoSteps, {});
    await expect(run.result()).rejects.toThrow("not yet");
    expect(await run.retry()).toBe("retried");
    expect(await run.result()).toBe(1);
    expect(calls).toEqual(["first", "flaky", "flaky"]);
    expect(await run.retry()).toBe("succeeded");
    await expect(jobbers.run(ID).retry()).rejects.toEqual(code("run-unknown"));
    const unkept = await jobbers.submit(broken, undefined, { keep: 0 });
    await expect(unkept.result()).rejects.toEqual(code("run-unknown"));
    await expect(unkept.retry()).rejects.toEqual(code("run-unknown"));
  });

  it("reject when the run is cancelled, unknown, of another workflow, or when the caller has had enough", async () => {
    const jobbers = await working();
    const run = await jobbers.submit(endless);
    const enough = new AbortController();
    const waiting = run.result({ signal: enough.signal }).catch((thrown: unknown) => thrown);
    enough.abort(new Error("enough"));
    expect(await waiting).toEqual(new Error("enough"));
    const result = run.result().catch((thrown: unknown) => thrown);
    expect(["cancelled", "cancelling"]).toContain(await run.cancel());
    expect(await result).toBeInstanceOf(RunCancelled);
    expect(await run.cancel()).toBe("cancelled");
    const finished = await jobbers.submit(double, { n: 1 });
    await finished.result();
    expect(await finished.cancel()).toBe("ended");
    await expect(jobbers.run(run.id, double).result()).rejects.toEqual(code("run-conflict"));
    await expect(jobbers.run(ID).result()).rejects.toEqual(code("run-unknown"));
    await expect(jobbers.run(ID).cancel()).rejects.toEqual(code("run-unknown"));
    expect(() => jobbers.run("nonsense")).toThrow(code("id-invalid"));
  });
});

describe("submitMany", () => {
  it("reports each item, and a bad one does not stop the others", async () => {
    const jobbers = await working();
    await jobbers.submit(double, { n: 7 }, { id: ID });
    const items = await jobbers.submitMany(double, [
      { input: { n: 1 } },
      { input: { n: "two" } as never },
      { input: { n: 7 }, id: ID },
      { input: { n: 8 }, id: ID },
      { input: { n: 5 }, id: "lower" },
      { input: { n: 6 }, priority: 9 },
      null as never,
    ]);
    expect(items.map(({ status }) => status)).toEqual([
      "created",
      "refused",
      "existing",
      "refused",
      "refused",
      "created",
      "refused",
    ]);
    const codes = items.map((item) =>
      item.status === "refused" ? (item.error as { code?: string }).code : undefined,
    );
    expect(codes.slice(0, 6)).toEqual([
      undefined,
      "input-invalid",
      undefined,
      "run-conflict",
      "id-invalid",
      undefined,
    ]);
    const results = items.flatMap((item) => (item.status === "refused" ? [] : [item.run.result()]));
    expect(await Promise.all(results)).toEqual([2, 14, 12]);
  });

  it("has 1,000 waiters at once, each with its own answer", async () => {
    const jobbers = await working();
    const items = await jobbers.submitMany(
      double,
      Array.from({ length: 1000 }, (_, n) => ({ input: { n } })),
    );
    const results = await Promise.all(
      items.map((item) => (item.status === "refused" ? item.error : item.run.result())),
    );
    expect(results).toEqual(Array.from({ length: 1000 }, (_, n) => n * 2));
  });
});

describe("a run's handle", () => {
  it("reads steps, progress and events", async () => {
    const jobbers = await connected();
    const run = await jobbers.submit(doubles, { list: [1, 2, 3] });
    const types: string[] = [];
    const listening = (async () => {
      for await (const event of run.events()) types.push(event.type);
    })();
    await jobbers.worker({ workflows }).start();
    await run.result();
    await listening;
    expect(types.at(-1)).toBe("run.ended");
    const steps: string[] = [];
    for await (const { address, state } of run.steps()) steps.push(`${address} ${state}`);
    expect(steps.sort()).toEqual(
      [
        "double[0] succeeded",
        "double[1] succeeded",
        "double[2] succeeded",
        "double[] succeeded",
        "sum succeeded",
      ].sort(),
    );
    const progress = await run.progress();
    const figures = progress.map(({ name, total, settled }) => `${name} ${settled}/${total}`).sort();
    expect(figures).toEqual(["double 3/3", "double[] 1/1", "sum 1/1"]);
    const after: string[] = [];
    for await (const event of run.events()) after.push(event.type);
    expect(after).toEqual(["run.ended"]);
  });

  it("knows the width of a map inside a map once the run has ended, and what fails in it", async () => {
    const jobbers = await connected();
    const rows = dag("rows", { input: z.object({ rows: z.array(z.array(z.number())) }) }, ({ rows }) =>
      rows.map((row) => row.map((n) => double({ n }))),
    );
    await jobbers.worker({ workflows: [rows] }).start();
    const run = await jobbers.submit(rows, { rows: [[1, 2], [], [3]] });
    expect(await run.result()).toEqual([[2, 4], [], [6]]);
    const tasks = (await run.progress()).filter(({ kind }) => kind === "task");
    expect(tasks).toEqual([
      { name: "double", kind: "task", depth: 2, total: 3, settled: 3, counts: { succeeded: 3 } },
    ]);
  });
});

describe("the result of a run that is not kept", () => {
  const forever = { ageMs: 3_600_000, count: 1_000 };

  it("is refused, not cut short, when the run is purged while its output is read", async () => {
    const jobbers = await working();
    const run = await jobbers.submit(doubles, { list: Array.from({ length: 1_200 }, (_, i) => i) });
    expect((await run.result()).each).toHaveLength(1_200);
    const { store } = jobbers;
    const readValues = store.readValues.bind(store);
    let reads = 0;
    store.readValues = async (id, keys) => {
      const succeeded = { ageMs: -1, count: 0 };
      if (++reads === 3)
        while ((await store.purge({ succeeded, failed: forever, cancelled: forever }, 500)).more);
      return readValues(id, keys);
    };
    await expect(run.result()).rejects.toEqual(code("run-unknown"));
    expect(reads).toBeGreaterThan(3);
  });

  it("is heard of at once when the run is kept 0 ms", async () => {
    const jobbers = await connected();
    const run = await jobbers.submit(double, { n: 1 }, { keep: 0 });
    const { store } = jobbers;
    const getRun = store.getRun.bind(store);
    let looks = 0;
    // It looks once before it listens to the feed, and once more then.
    const seen = new Promise<void>((resolve) => {
      store.getRun = (id) => getRun(id).finally(() => ++looks === 2 && resolve());
    });
    const begin = performance.now();
    const waiting = run.result().catch((error: unknown) => error);
    await seen;
    await jobbers.worker({ workflows: [double] }).start();
    expect(await waiting).toEqual(code("run-unknown"));
    expect(performance.now() - begin).toBeLessThan(3_000);
  });
});
