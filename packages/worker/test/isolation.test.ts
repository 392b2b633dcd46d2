import { readFileSync } from "node:fs";
import { type AnyTask, type JsonValue, type Store, type TaskLog, task } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
// As built: each of many children loads it, which takes a third of the time that its sources would.
import { createWorker, type Worker, type WorkerOptions } from "../dist/index.js";
import { ended, recorder, result, submit } from "./bench.js";

const module = new URL("./fixtures/isolated-tasks.mjs", import.meta.url).href;
const { createDeps: _, ...tasks } = (await import(module)) as Record<string, AnyTask>;
const { inThread, inProcess, impatientThread, impatientProcess, beatingThread, twiceThread } = tasks;

const kinds = ["thread", "process"] as const;
const of = { thread: inThread, process: inProcess } as Record<string, AnyTask>;
const impatient = { thread: impatientThread, process: impatientProcess } as Record<string, AnyTask>;
const workflows = Object.values(tasks);

interface Line {
  readonly level: keyof TaskLog;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

async function stage(more: Partial<WorkerOptions> = {}) {
  const lines: Line[] = [];
  const write = (level: keyof TaskLog) => (message: string, fields?: object) =>
    void lines.push({ level, message, fields: { ...fields } });
  const log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const store = await openSqliteStore("memory:");
  const { observe, seen } = recorder();
  const environment = { PATH: process.env.PATH };
  const common = { store, log, observe, environment, leaseMs: 1_500, random: () => 0.5 };
  const worker = createWorker({ ...common, workflows, ...more });
  await worker.start();
  const close = async () => {
    await worker.stop({ giveBack: true });
    await store.close();
  };
  return { store, worker, lines, seen, close };
}

/** One for all tests of a group: each child takes a while to start. */
function stageOfAll(more: Partial<WorkerOptions> = {}): () => Awaited<ReturnType<typeof stage>> {
  let staged: Awaited<ReturnType<typeof stage>> | undefined;
  beforeAll(async () => {
    staged = await stage(more);
  });
  afterAll(() => staged?.close());
  return () => staged as Awaited<ReturnType<typeof stage>>;
}

async function failureOf(
  store: Store,
  run: string,
): Promise<{ name: string; message: string; cause?: object }> {
  expect(await ended(store, run)).toBe("failed");
  return JSON.parse((await store.getRun(run))?.failure ?? "{}").error;
}

/** Waits until the handler of a step has said something. */
async function saidBy(worker: Worker, run: string): Promise<{ detail?: { pid: number } }> {
  for (let look = 0; look < 2_000; look++) {
    const progress = worker.stats().running.find((each) => each.run === run)?.progress;
    if (progress) return progress as never;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the handler said nothing");
}

async function untilReturned(worker: Worker, run: string): Promise<void> {
  const runs = () => worker.stats().running.some((each) => each.run === run);
  for (let look = 0; look < 2_000 && runs(); look++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(runs()).toBe(false);
}

function lives(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0] !== "Z";
  } catch {
    return false;
  }
}

describe.each(kinds)("a handler in a %s", (kind) => {
  const hooks: string[] = [];
  const tell = (what: string) => (event: object) =>
    void hooks.push(`${what} ${"output" in event ? JSON.stringify(event.output) : ""}`);
  const staged = stageOfAll({ hooks: { onStart: tell("start"), onSuccess: tell("success") } });

  it("has its limits throttled for everybody, and is told what is no duration", async () => {
    const { store } = staged();
    const own = of[kind] as AnyTask;
    await store.setLimit(`${kind}/concurrency`, { concurrency: 9 });
    expect(await result(store, await submit(store, own, { what: "throttled" }), own)).toBe("told");
    const { throttledUntilMs, nowMs } = await store.readLimit(`${kind}/concurrency`, "");
    expect(throttledUntilMs).toBeGreaterThan(nowMs + 3_000_000);
    await store.setLimit(`${kind}/concurrency`, "default");
    await store.promoteDue(10);
    const failure = await failureOf(store, await submit(store, own, { what: "throttled for ever" }));
    expect(failure.message).toMatch(/ctx\.throttled\(\) is asked for 999d; a day is the most/);
  });

  it("runs as in the main thread: input, output, context, log, console, errors and its own deps", async () => {
    const { store, lines } = staged();
    const own = of[kind] as AnyTask;
    const act = async (deed: JsonValue) => submit(store, own, deed);
    const where = (await result(store, await act({ what: "where" }), own)) as {
      pid: number;
      isMainThread: boolean;
    };
    expect(where.pid === process.pid).toBe(kind === "thread");
    expect(where.isMainThread).toBe(kind === "process");
    // The same child again: it is warm.
    expect(await result(store, await act({ what: "where" }), own)).toEqual(where);
    expect(await result(store, await act({ what: "echo", value: { a: [1, "ü"] } }), own)).toEqual({
      a: [1, "ü"],
    });
    expect(await result(store, await act({ what: "echo" }), own)).toBeNull();
    expect(hooks).toContain('success {"a":[1,"ü"]}');
    expect(await result(store, await act({ what: "deps" }), own)).toBe(42);
    const run = await act({ what: "context" });
    const about = { run, step: kind, attempt: 1 };
    expect(await result(store, run, own)).toMatchObject({
      ...about,
      tries: 1,
      idempotencyKey: `${run}:${kind}`,
    });
    expect(lines).toContainEqual({ level: "warn", message: "hello", fields: { ...about, n: 1 } });
    await vi.waitFor(() =>
      expect(lines).toContainEqual({
        level: "info",
        message: "from the console",
        fields: { ...about, from: "stdout" },
      }),
    );

    const thrown = await failureOf(store, await act({ what: "throw" }));
    expect(thrown).toMatchObject({
      name: "Odd",
      message: "how odd",
      cause: { name: "TypeError", message: "below" },
    });
    expect((thrown as { stack?: string }).stack).toMatch(/isolated-tasks\.mjs/);
    expect(await failureOf(store, await act({ what: "throw text" }))).toEqual({
      name: "Thrown",
      message: "just text",
    });
    expect((await failureOf(store, await act({ what: "refuse" }))).message).toMatch(/is refused/);
    expect((await failureOf(store, await act({ what: "date" }))).message).toMatch(/is a Date/);
    const wrong = await act({ what: "echo", value: "wrong" });
    expect((await failureOf(store, wrong)).message).toMatch(/is wrong/);
    expect(await store.getStep(wrong, kind)).toMatchObject({ reason: "invalid-output" });
  });

  it("is killed when its time is over, although it loops for ever; its slot is free then", async () => {
    const { store, worker } = staged();
    const own = impatient[kind] as AnyTask;
    // Warm first: the timeout counts the start of a child, too.
    const other = of[kind] as AnyTask;
    await result(store, await submit(store, other, { what: "echo" }), other);
    const run = await submit(store, own, { what: "loop" });
    const { detail } = await saidBy(worker, run);
    expect(await failureOf(store, run)).toMatchObject({
      name: "AttemptAborted",
      message: expect.stringMatching(/timeout of 300 ms/),
    });
    const fromMs = performance.now();
    await untilReturned(worker, run);
    expect(performance.now() - fromMs).toBeLessThan(1_000);
    if (kind === "process") expect(lives(detail?.pid as number)).toBe(false);
    // Nothing else is disturbed.
    expect(await result(store, await submit(store, other, { what: "echo", value: 1 }), other)).toBe(1);
  });

  it("ends its attempt with a clear error when it exits or nobody catches its error; the next try has a new one", async () => {
    const { store } = staged();
    const own = of[kind] as AnyTask;
    const beside = await submit(store, own, { what: "patient" });
    const exited = await failureOf(store, await submit(store, own, { what: "exit" }));
    expect(exited.message).toBe(`the ${kind} of ${kind} exited with code 3, while it ran`);
    const stray = await failureOf(store, await submit(store, own, { what: "stray" }));
    expect(stray.message).toMatch(
      /ended because nobody caught an error: Error: nobody caught this, while it ran$/,
    );
    expect(stray.cause).toMatchObject({ message: "nobody caught this" });
    expect((await store.getRun(beside))?.state).toBe("running");
    await store.cancel(beside);
  });

  it("hears that its run was cancelled, and may clean up; one that cannot hear is killed", async () => {
    const { store, worker, lines } = staged();
    const own = of[kind] as AnyTask;
    const patient = await submit(store, own, { what: "patient" });
    await saidBy(worker, patient);
    await store.cancel(patient);
    expect(await ended(store, patient)).toBe("cancelled");
    expect(lines).toContainEqual(
      expect.objectContaining({ message: "aborted", fields: expect.objectContaining({ why: "cancelled" }) }),
    );
    await untilReturned(worker, patient);
    const looping = await submit(store, own, { what: "loop" });
    const { detail } = await saidBy(worker, looping);
    await store.cancel(looping);
    expect(await ended(store, looping)).toBe("cancelled");
    await untilReturned(worker, looping);
    if (kind === "process") expect(lives(detail?.pid as number)).toBe(false);
  });

  it("that needs more than its maxMemory fails alone, with an error that says so", async () => {
    const { store } = staged();
    const own = (kind === "thread" ? tasks.smallThread : tasks.smallProcess) as AnyTask;
    const limit = kind === "thread" ? 32 : 160;
    const { message } = await failureOf(store, await submit(store, own, { what: "leak" }));
    expect(message).toBe(
      `the ${kind} of small-${kind} needed more memory than its maxMemory of ${limit} MB, while it ran`,
    );
  });
});

describe("a process", () => {
  const staged = stageOfAll();

  it("that was killed while it was idle is not given another attempt", async () => {
    const { store } = staged();
    const own = of.process as AnyTask;
    const { pid } = (await result(store, await submit(store, own, { what: "where" }), own)) as {
      pid: number;
    };
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(lives(pid)).toBe(false));
    const next = (await result(store, await submit(store, own, { what: "where" }), own)) as { pid: number };
    expect(next.pid).not.toBe(pid);
  });

  it("may abort, or crash in native code, or take memory beside its heap: only its own step fails", async () => {
    const { store } = staged();
    const own = of.process as AnyTask;
    const [aborted, crashed, leaking] = await Promise.all([
      submit(store, own, { what: "abort" }),
      submit(store, own, { what: "segfault" }),
      submit(store, tasks.smallProcess as AnyTask, { what: "leak buffers" }),
    ]);
    expect((await failureOf(store, aborted)).message).toMatch(/was ended by SIGABRT/);
    expect((await failureOf(store, crashed)).message).toMatch(/was ended by SIGSEGV/);
    expect((await failureOf(store, leaking)).message).toMatch(
      /needed more memory than its maxMemory of 160 MB/,
    );
  });
});

describe("an isolated handler", () => {
  const retries = new Map<string, number | undefined>();
  // One at a time, so that one child does for all.
  const staged = stageOfAll({
    concurrency: 1,
    hooks: { onError: ({ run, retryInMs }) => void retries.set(run, retryInMs) },
  });

  it("judges retry.on, Terminal and RetryAfter as in the main thread, and beats keep a handler alive", async () => {
    const { store, seen } = staged();
    const twice = await submit(store, twiceThread as AnyTask, { what: "throw" });
    const terminal = await submit(store, twiceThread as AnyTask, { what: "terminal" });
    const later = await submit(store, twiceThread as AnyTask, { what: "retry after" });
    const beating = await submit(store, beatingThread as AnyTask, { what: "beat", value: 1_200 });
    const refused = await submit(store, twiceThread as AnyTask, { what: "throw text" });
    // Of a class that extends RangeError, it arrives as one.
    await seen({ type: "reported", run: twice, report: "retry" });
    await failureOf(store, refused);
    expect((await store.getStep(refused, "twice-thread"))?.tries).toBe(1);
    expect(await failureOf(store, terminal)).toMatchObject({ name: "Terminal", message: "never again" });
    expect((await store.getStep(terminal, "twice-thread"))?.tries).toBe(1);
    await seen({ type: "reported", run: later, report: "retry" });
    expect(retries.get(later)).toBe(3_600_000);
    expect(await result(store, beating, beatingThread as AnyTask)).toBe("beaten");
  });

  it("gives back, when the worker stops, what does not finish; and leaves nothing running", async () => {
    const { store, worker } = staged();
    const run = await submit(store, inProcess as AnyTask, { what: "loop" });
    const { detail } = await saidBy(worker, run);
    await worker.stop({ graceMs: 10 });
    expect(lives(detail?.pid as number)).toBe(false);
    expect(await store.getStep(run, "process")).toMatchObject({ state: "ready", tries: 0 });
  });
});

describe("a module that cannot be used", () => {
  const broken = (name: string, module: string) =>
    task({ name, isolate: "thread", module, retry: { attempts: 1 }, run: async () => null });

  it("fails its own step with an error that says what is wrong", async () => {
    const absent = broken("absent", "file:///nowhere/at/all.mjs");
    const elsewhere = broken("elsewhere", module);
    const starter = broken("starter", new URL("./fixtures/starts-a-worker.mjs", import.meta.url).href);
    const { store, close } = await stage({ workflows: [absent, elsewhere, starter] });
    onTestFinished(close);
    const runs = await Promise.all([absent, elsewhere, starter].map((each) => submit(store, each)));
    const [first, second, third] = await Promise.all(runs.map((run) => failureOf(store, run)));
    expect(first?.message).toMatch(
      /^\/nowhere\/at\/all\.mjs cannot be loaded for an isolated handler: .*Cannot find module/,
    );
    expect(second?.message).toMatch(
      /isolated-tasks\.mjs exports no task "elsewhere", nor a dag that has one/,
    );
    expect(third?.message).toMatch(
      /a worker is started by \S+starts-a-worker\.mjs, which was loaded to run an isolated handler/,
    );
  });
});
