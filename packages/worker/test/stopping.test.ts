import { task } from "@jobbers/core";
import { turns } from "@jobbers/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorker } from "../src/index.js";
import {
  around,
  ended,
  gate,
  openStore,
  recorder,
  result,
  silent,
  startWorker,
  submit,
  submitMany,
} from "./bench.js";

const noop = task({ name: "noop", run: async () => null });

/** Waits for its signal, whose reason it throws. */
const patient = task({
  name: "patient",
  retry: { attempts: 3 },
  run: (_, ctx) =>
    new Promise<null>((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
});

describe("cancelling a run", () => {
  it("aborts its handlers, whose steps are given back and end as cancelled", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [patient], observe });
    const run = await submit(store, patient);
    const other = await submit(store, patient);
    await seen({ type: "started" }, 2);
    await store.cancel(run);
    expect(await seen({ type: "reported" })).toMatchObject({ run, report: "released", verdict: "accepted" });
    expect(await ended(store, run)).toBe("cancelled");
    expect(await store.getStep(run, "patient")).toMatchObject({ state: "cancelled", tries: 0 });
    expect((await store.getRun(other))?.state).toBe("running");
  });

  it("reaches a handler with the next renewal, at the latest, where the letter got lost", async () => {
    const inner = await openStore("memory:", { expireMemorySessions: true });
    let letters = 0;
    const store = around(inner, async (verb, call) => {
      const reply = await call();
      if (verb !== "exchange") return reply;
      letters += (reply as { mail: unknown[] }).mail.length;
      return { ...(reply as object), mail: [] };
    });
    const { observe, seen } = recorder();
    await startWorker({ store, workflows: [patient], leaseMs: 300, observe });
    const run = await submit(inner, patient);
    await seen({ type: "started" });
    await inner.cancel(run);
    expect(await ended(inner, run)).toBe("cancelled");
    expect(letters).toBeGreaterThan(0);
  });

  it("keeps what a handler answers that finishes all the same", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const done = gate();
    const deaf = task({ name: "deaf", run: () => done.promise.then(() => "done") });
    await startWorker({ store, workflows: [deaf], observe });
    const run = await submit(store, deaf);
    await seen({ type: "started" });
    await store.cancel(run);
    done.open();
    expect(await ended(store, run)).toBe("cancelled");
    expect((await store.getStep(run, "deaf"))?.state).toBe("succeeded");
    expect(await store.readValues(run, ["deaf"])).toEqual({ deaf: '"done"' });
  });
});

describe("a handler that is deaf to its signal", () => {
  const deaf = (answer: Promise<unknown>) => task({ name: "deaf", run: () => answer as Promise<null> });

  it("does not keep its cancelled run from ending; its slot it keeps, and what it answers counts for nothing", async () => {
    const store = await openStore();
    const { observe, seen, count } = recorder();
    const late = gate<string>();
    const warnings: unknown[] = [];
    const log = { ...silent, warn: (...line: unknown[]) => void warnings.push(line) };
    const workflows = [deaf(late.promise), noop];
    const options = { store, workflows, concurrency: 1, abandonAfterMs: 20, observe, log };
    const worker = await startWorker(options);
    const run = await submit(store, workflows[0] as typeof noop);
    await seen({ type: "started" });
    await store.cancel(run);
    expect(await ended(store, run)).toBe("cancelled");
    expect(await store.getStep(run, "deaf")).toMatchObject({ state: "cancelled", tries: 0 });
    expect(worker.stats()).toMatchObject({ busy: 1, abandoned: 1, held: 0 });
    expect(warnings).toEqual([
      [
        "a handler goes on although its run was cancelled; its step ends without it",
        { run, step: "deaf", forMs: 20 },
      ],
    ]);

    const next = await submit(store, noop);
    await turns(20);
    expect(count({ type: "started", task: "noop" })).toBe(0);
    late.open("too late");
    await seen({ type: "returned", task: "deaf" });
    expect(await result(store, next, noop)).toBeNull();
    expect(count({ type: "reported", run })).toBe(1);
    expect((await store.getStep(run, "deaf"))?.state).toBe("cancelled");
    expect(await store.readValues(run, ["deaf"])).not.toHaveProperty("deaf", '"too late"');
    expect(worker.stats()).toMatchObject({ busy: 0, abandoned: 0 });
  });

  it("is waited for during its grace time", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const done = gate<string>();
    const workflow = deaf(done.promise);
    await startWorker({ store, workflows: [workflow], abandonAfterMs: 1_000_000, observe });
    const run = await submit(store, workflow);
    await seen({ type: "started" });
    await store.cancel(run);
    await turns(20);
    expect((await store.getRun(run))?.state).toBe("running");
    done.open("in time");
    expect(await ended(store, run)).toBe("cancelled");
    expect(await store.readValues(run, ["deaf"])).toEqual({ deaf: '"in time"' });
  });

  it("is waited for without end when its lease was in doubt: what it answers may count yet", async () => {
    const store = await openStore("memory:", { expireMemorySessions: true });
    const { observe, seen } = recorder();
    const done = gate<string>();
    const workflow = deaf(done.promise);
    let isAway = false;
    const away = around(store, (verb, call) =>
      isAway && (verb === "renew" || verb === "exchange") ? Promise.reject(new Error("away")) : call(),
    );
    const options = { leaseMs: 200, abandonAfterMs: 1, observe };
    const worker = await startWorker({ ...options, store: away, workflows: [workflow] });
    const run = await submit(store, workflow);
    await seen({ type: "started" });
    isAway = true;
    await seen({ type: "session", what: "doubtful" });
    expect(worker.stats().abandoned).toBe(0);
    isAway = false;
    await seen({ type: "session", what: "trusted" });
    expect(worker.stats().abandoned).toBe(0);
    done.open("late");
    expect(await result(store, run, workflow)).toBe("late");
  });
});

describe("stopping", () => {
  it("takes nothing new and lets running handlers finish", async () => {
    const store = await openStore();
    const { observe, seen, count } = recorder();
    const done = gate<number>();
    const slow = task({ name: "slow", run: () => done.promise });
    const worker = await startWorker({ store, workflows: [slow, noop], concurrency: 2, observe });
    const run = await submit(store, slow);
    await seen({ type: "started", task: "slow" });
    const stopped = worker.stop();
    expect(worker.state).toBe("stopping");
    const next = await submit(store, noop);
    await turns(20);
    expect(count({ type: "started", task: "noop" })).toBe(0);
    done.open(42);
    await stopped;
    expect(worker.state).toBe("idle");
    expect(await result(store, run, slow)).toBe(42);
    expect((await store.getStep(next, "noop"))?.state).toBe("ready");
    expect(await store.listWorkers()).toEqual([]);
  });

  it("gives back what does not finish in time, at no cost", async () => {
    const store = await openStore();
    const { observe, seen, count } = recorder();
    const deaf = task({ name: "deaf", run: () => new Promise<null>(() => {}) });
    const worker = await startWorker({ store, workflows: [deaf, patient], observe });
    const one = await submit(store, deaf);
    const two = await submit(store, patient);
    await seen({ type: "started" }, 2);
    await worker.stop({ graceMs: 10 });
    expect(count({ type: "reported", report: "released", verdict: "accepted" })).toBe(2);
    for (const [run, step] of [
      [one, "deaf"],
      [two, "patient"],
    ] as const) {
      expect(await store.getStep(run, step)).toMatchObject({ state: "ready", tries: 0, lost: 0 });
    }
    expect(await store.listWorkers()).toEqual([]);
  });

  it("gives everything back at once when it is asked to while it waits", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const worker = await startWorker({ store, workflows: [patient], observe });
    const run = await submit(store, patient);
    await seen({ type: "started" });
    const first = worker.stop({ graceMs: 1_000_000 });
    await Promise.all([worker.stop({ giveBack: true }), first, worker.stop()]);
    expect((await store.getStep(run, "patient"))?.state).toBe("ready");
  });

  it("gives back what is granted after it was told to stop", async () => {
    const inner = await openStore();
    const asked = gate();
    const go = gate();
    const store = around(inner, async (verb, call) => {
      const reply = await call();
      if (verb === "exchange" && (reply as { grants: unknown[] }).grants.length > 0) {
        asked.open();
        await go.promise;
      }
      return reply;
    });
    const { observe, count } = recorder();
    const worker = await startWorker({ store, workflows: [noop], observe });
    const run = await submit(inner, noop);
    await asked.promise;
    const stopped = worker.stop();
    go.open();
    await stopped;
    expect(count({ type: "started" })).toBe(0);
    expect(await inner.getStep(run, "noop")).toMatchObject({ state: "ready", tries: 0, lost: 0 });
  });

  it("does not fail when the session cannot be closed", async () => {
    const inner = await openStore();
    const store = around(inner, (verb, call) =>
      verb === "closeSession" ? Promise.reject(new Error("away")) : call(),
    );
    const worker = await startWorker({ store, workflows: [noop] });
    await worker.stop();
    expect(worker.state).toBe("idle");
  });

  it("can be started again", async () => {
    const store = await openStore();
    const worker = await startWorker({ store, workflows: [noop] });
    await worker.stop();
    await worker.start();
    const run = await submit(store, noop);
    expect(await result(store, run, noop)).toBeNull();
  });

  it("ends by itself when its store is closed", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const worker = await startWorker({ store, workflows: [patient], observe });
    await submit(store, patient);
    await seen({ type: "started" });
    await store.close();
    await seen({ type: "returned" });
    expect(worker.state).toBe("idle");
    await worker.stop();
  });

  it("survives starts and stops in any order, and loses nothing", async () => {
    const store = await openStore();
    const { observe, seen } = recorder();
    const moves = fc.array(fc.constantFrom("start", "stop", "giveBack", "turn", "submit"), { maxLength: 12 });
    const worker = createWorker({ store, workflows: [noop], log: silent, observe });
    let submitted = 0;
    await fc.assert(
      fc.asyncProperty(moves, async (list) => {
        const under: Promise<void>[] = [];
        for (const move of list) {
          if (move === "turn") await turns(1);
          else if (move === "submit") submitted += (await submitMany(store, noop, 3)).length;
          else if (move === "start") under.push(worker.start().catch(() => {}));
          else under.push(worker.stop({ giveBack: move === "giveBack" }));
        }
        await Promise.all(under);
        await worker.stop();
        expect(worker.state).toBe("idle");
        await turns(3);
        expect(await store.listWorkers()).toEqual([]);
      }),
      { numRuns: 200 },
    );
    await worker.start();
    await seen({ type: "reported", report: "succeeded", verdict: "accepted" }, submitted);
    await worker.stop();
  });
});

describe("the end of a session", () => {
  it("is told again when the reply to it gets lost", async () => {
    const bare = await openStore("memory:", { expireMemorySessions: true });
    let calls = 0;
    const store = around(bare, async (verb, call) => {
      if (verb === "closeSession" && ++calls === 1) throw new Error("connection reset");
      return call();
    });
    const worker = createWorker({ store, workflows: [noop], log: silent });
    await worker.start();
    await worker.stop();
    expect(calls).toBe(2);
    expect(await bare.listWorkers()).toEqual([]);
  });
});
