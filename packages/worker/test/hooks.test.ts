import {
  dag,
  type Hooks,
  JobbersError,
  type JsonValue,
  type SettledAttempt,
  Terminal,
  task,
} from "@jobbers/core";
import { turns } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { createWorker, type WorkerOptions } from "../src/index.js";
import { ended, gate, openStore, recorder, result, schema, silent, startWorker, submit } from "./bench.js";

/** Hooks that remember what they are told, in order, under a name. */
function remembering(by = "task") {
  const told: [by: string, hook: string, attempt: SettledAttempt][] = [];
  const hook = (name: string) => (attempt: object) => void told.push([by, name, attempt as SettledAttempt]);
  const hooks: Hooks = {
    onStart: hook("onStart"),
    onSuccess: hook("onSuccess"),
    onError: hook("onError"),
    onSettled: hook("onSettled"),
  };
  return { told, hooks, names: () => told.map(([, name]) => name) };
}

const again = { attempts: 2, delay: 0 };

describe("hooks", () => {
  it("are told of each attempt: where it stands, how it ended, and when the next one comes", async () => {
    const store = await openStore();
    const { told, hooks } = remembering();
    const { observe, seen } = recorder();
    const no = new RangeError("no");
    const flaky = task({
      ...{ name: "flaky", queue: "slow", retry: { delay: ["90s"] }, hooks },
      input: schema<{ n: number }>(),
      run: async ({ n }, { tries }) => {
        if (tries === 1) throw no;
        return { n };
      },
    });
    const each = dag("each", { input: schema<{ list: number[] }>() }, ({ list }) =>
      list.map((n) => flaky({ n }, { retry: { delay: [0], attempts: 2 } })),
    );
    await startWorker({ store, workflows: [each], observe });
    const run = await submit(store, each, { list: [7] });
    await seen({ type: "reported", report: "retry" });
    await store.promoteDue(10);
    expect(await result(store, run, each)).toEqual([{ n: 7 }]);
    const at = { run, step: "flaky[0]", task: "flaky", queue: "slow" };
    const [one, two] = [
      { ...at, attempt: 1, tries: 1 },
      { ...at, attempt: 2, tries: 2 },
    ];
    const tookMs = expect.any(Number);
    const failed = { ...one, outcome: "failed", error: no, reason: "error", retryInMs: 0, tookMs };
    const succeeded = { ...two, outcome: "succeeded", output: { n: 7 }, tookMs };
    expect(told).toEqual([
      ["task", "onStart", one],
      ["task", "onError", failed],
      ["task", "onSettled", failed],
      ["task", "onStart", two],
      ["task", "onSuccess", succeeded],
      ["task", "onSettled", succeeded],
    ]);
    expect(told[1]?.[2]).toHaveProperty("error", no);
    expect(told[1]?.[2].tookMs).toBeGreaterThan(0);
  });

  it("of the worker come after the task's, and are told of all its tasks", async () => {
    const store = await openStore();
    const own = remembering("task");
    const all = remembering("worker");
    all.told.push = (...items) => own.told.push(...items);
    const one = task({ name: "one", hooks: own.hooks, run: async () => 1 });
    const two = task({ name: "two", run: async () => 2 });
    await startWorker({ store, workflows: [one, two], hooks: all.hooks });
    await result(store, await submit(store, one), one);
    await result(store, await submit(store, two), two);
    expect(own.told.map(([by, name, { task: of }]) => `${by} ${name} ${of}`)).toEqual([
      ...["task onStart one", "worker onStart one"],
      ...["task onSuccess one", "worker onSuccess one", "task onSettled one", "worker onSettled one"],
      ...["worker onStart two", "worker onSuccess two", "worker onSettled two"],
    ]);
  });

  it("are told of failures that come before the handler or after it, as they were thrown", async () => {
    const store = await openStore();
    const { told, hooks } = remembering("worker");
    const strict = task({
      name: "strict",
      input: schema<{ n: number }>(() => {
        throw new Error("too odd");
      }),
      run: async () => 1,
    });
    const dates = task({ name: "dates", run: async () => new Date() as unknown as null });
    const gone = new Terminal("gone");
    const final = task({ name: "final", run: (): Promise<null> => Promise.reject(gone) });
    await startWorker({ store, workflows: [strict, dates, final], hooks });
    for (const [workflow, input] of [
      [strict, { n: 1 }],
      [dates, {}],
      [final, {}],
    ] as const) {
      await ended(store, await submit(store, workflow, input as JsonValue));
    }
    const failures = told.map(([, name, attempt]) =>
      attempt.outcome === "failed"
        ? [attempt.task, name, attempt.reason, attempt.retryInMs]
        : [attempt.task, name],
    );
    expect(failures).toEqual([
      ["strict", "onError", "invalid-input", undefined],
      ["strict", "onSettled", "invalid-input", undefined],
      ["dates", "onStart"],
      ["dates", "onError", "invalid-output", undefined],
      ["dates", "onSettled", "invalid-output", undefined],
      ["final", "onStart"],
      ["final", "onError", "error", undefined],
      ["final", "onSettled", "error", undefined],
    ]);
    expect(told[0]?.[2]).toMatchObject({ error: expect.any(JobbersError) });
    expect(told[6]?.[2]).toHaveProperty("error", gone);
  });

  it("are told once of an attempt whose time is over, whatever its handler does later", async () => {
    const store = await openStore();
    const { told, hooks, names } = remembering();
    const { observe, seen } = recorder();
    const late = gate();
    const slow = task({ name: "slow", timeout: 5, retry: { attempts: 1 }, hooks, run: () => late.promise });
    await startWorker({ store, workflows: [slow], observe });
    await ended(store, await submit(store, slow));
    late.open();
    await seen({ type: "returned" });
    expect(names()).toEqual(["onStart", "onError", "onSettled"]);
    expect(told[1]?.[2]).toMatchObject({ reason: "timeout", error: { name: "AttemptAborted" } });
  });

  it("are told of what was given up: each onStart has its onSettled", async () => {
    const store = await openStore();
    const { told, hooks, names } = remembering();
    const { observe, seen } = recorder();
    const patient = task({
      ...{ name: "patient", hooks },
      run: (_, { signal }) =>
        new Promise<null>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    const worker = await startWorker({ store, workflows: [patient], observe });
    const cancelled = await submit(store, patient);
    await seen({ type: "started" });
    await store.cancel(cancelled);
    await ended(store, cancelled);
    await submit(store, patient);
    await seen({ type: "started" }, 2);
    await worker.stop({ graceMs: 0 });
    expect(names()).toEqual(["onStart", "onSettled", "onStart", "onSettled"]);
    expect(told[1]?.[2]).toMatchObject({ outcome: "released", run: cancelled });
    expect(told[3]?.[2]).toMatchObject({ outcome: "released", tookMs: expect.any(Number) });
  });

  it("are not told of what was given up before it began", async () => {
    const store = await openStore();
    const { hooks, names } = remembering();
    const { observe, seen } = recorder();
    const [asked, parsed] = [gate(), gate()];
    const validate = async (value: unknown) => {
      asked.open();
      await parsed.promise;
      return { value: value as Record<string, never> };
    };
    const slow = task({
      ...{ name: "slow", hooks, input: { "~standard": { version: 1, vendor: "test", validate } } as const },
      run: async () => 1,
    });
    await startWorker({ store, workflows: [slow], observe });
    const run = await submit(store, slow);
    await asked.promise;
    await store.cancel(run);
    const done = ended(store, run);
    await turns(20);
    parsed.open();
    expect(await done).toBe("cancelled");
    expect(await seen({ type: "reported" })).toMatchObject({ report: "released" });
    expect(names()).toEqual([]);
  });

  it("change nothing, whatever they do to what they are told", async () => {
    const store = await openStore();
    const seen: unknown[] = [];
    const hooks: Hooks = {
      onStart: (attempt) => Object.assign(attempt, { step: "other", tries: 99 }),
      onSuccess: (attempt) => {
        (attempt.output as { n: number }).n = 2;
        Object.assign(attempt, { output: null, outcome: "failed" });
      },
      onSettled: ({ step, tries, outcome }) => void seen.push([step, tries, outcome]),
    };
    const one = task({ name: "one", hooks, run: async () => ({ n: 1 }) });
    await startWorker({ store, workflows: [one] });
    expect(await result(store, await submit(store, one), one)).toEqual({ n: 1 });
    expect(seen).toEqual([["one", 1, "succeeded"]]);
  });

  it("that fail are logged and counted, and harm nobody", async () => {
    const store = await openStore();
    const logged: unknown[][] = [];
    const log = { ...silent, error: (...line: unknown[]) => void logged.push(line) };
    const bang = () => {
      throw new Error("bang");
    };
    const trap = new Proxy({}, { has: bang, get: bang, getPrototypeOf: bang });
    const hooks: Hooks = {
      onStart: bang,
      onSuccess: async () => bang(),
      onError: () => trap,
      onSettled: () => Promise.reject(trap),
    };
    const flaky = task({
      ...{ name: "flaky", retry: again, hooks },
      run: async (_, { tries }) => {
        if (tries === 1) throw new Error("again");
        return tries;
      },
    });
    const { observe, seen } = recorder();
    const worker = await startWorker({ store, workflows: [flaky], observe, log, hooks: { onStart: bang } });
    const run = await submit(store, flaky);
    await seen({ type: "reported", report: "retry" });
    await store.promoteDue(10);
    expect(await result(store, run, flaky)).toBe(2);
    await turns(3);
    expect(worker.stats().hookFailures).toBe(8);
    expect(logged.map(([text, fields]) => `${text}: ${(fields as { hook: string }).hook}`)).toEqual([
      ...["onStart", "onStart", "onError", "onSettled"].map((hook) => `a hook failed: ${hook}`),
      ...["onStart", "onStart", "onSuccess", "onSettled"].map((hook) => `a hook failed: ${hook}`),
    ]);
    expect(logged[0]).toEqual([
      "a hook failed",
      { run, step: "flaky", attempt: 1, task: "flaky", hook: "onStart", error: "Error: bang" },
    ]);
  });

  it("that never end hold up neither report, nor slot, nor the next step", async () => {
    const store = await openStore();
    const never = () => new Promise(() => {});
    const hooks: Hooks = { onStart: never, onSuccess: never, onSettled: never };
    const one = task({ name: "one", hooks, run: async () => 1 });
    const worker = await startWorker({ store, workflows: [one], concurrency: 1 });
    for (let n = 0; n < 3; n++) expect(await result(store, await submit(store, one), one)).toBe(1);
    expect(worker.stats()).toMatchObject({ busy: 0, held: 0, hookFailures: 0 });
  });

  it("are waited for by a worker that stops, within its grace time", async () => {
    const store = await openStore();
    const sent = gate();
    const told: string[] = [];
    const hooks: Hooks = { onSuccess: () => sent.promise.then(() => void told.push("sent")) };
    const one = task({ name: "one", hooks, run: async () => 1 });
    const worker = await startWorker({ store, workflows: [one] });
    await result(store, await submit(store, one), one);
    const stopped = worker.stop({ graceMs: 60_000 }).then(() => told.push("stopped"));
    await turns(20);
    expect(told).toEqual([]);
    expect(await store.listWorkers()).toEqual([]);
    sent.open();
    await stopped;
    expect(told).toEqual(["sent", "stopped"]);
  });

  it("are not waited for beyond the grace time, or where all is given back at once", async () => {
    const store = await openStore();
    const one = task({ name: "one", hooks: { onStart: () => new Promise(() => {}) }, run: async () => 1 });
    const worker = await startWorker({ store, workflows: [one] });
    await result(store, await submit(store, one), one);
    await worker.stop({ graceMs: 5 });
    await worker.start();
    await result(store, await submit(store, one), one);
    const slow = worker.stop({ graceMs: 1_000_000 });
    await Promise.all([worker.stop({ giveBack: true }), slow]);
    expect(worker.state).toBe("idle");
  });

  it.each<[unknown, string]>([
    [{ onFail: () => {} }, `the worker's hooks has no hook "onFail"; there are onStart, onSuccess, onError`],
    [{ onError: 5 }, "the worker's hooks.onError is 5; it takes a function"],
    [null, "the worker's hooks is null; it takes an object like"],
  ])("%o are refused", async (hooks, message) => {
    const store = await openStore();
    const options = { store, workflows: [task({ name: "one", run: () => 1 })], hooks } as WorkerOptions;
    expect(() => createWorker(options)).toThrow(message);
    expect(() => createWorker(options)).toThrow(expect.objectContaining({ code: "flag-invalid" }));
  });
});
