import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Store, task } from "@jobbers/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { around, ended, gate, openStore, recorder, result, silent, startWorker, submit } from "./bench.js";

async function fileStore(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "jobbers-worker-"));
  const store = await openStore(`sqlite:${join(directory, "jobs.db")}`);
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 20 }));
  return store;
}

/** Keeps the event loop busy; nothing else of this thread goes on meanwhile. */
function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** Handlers that block for a while and then look how long their own lease is still good for. */
function blocker(store: Store, ms: number) {
  return task({
    name: "blocker",
    run: async () => {
      block(ms);
      const [worker] = await store.listWorkers();
      return (worker?.expiresAtMs ?? 0) - Date.now();
    },
  });
}

/** A log that says when the thread renews, and before that the main loop no longer does. */
function threadUp() {
  const up = gate();
  const debug = (message: string) => message === "the renewal thread is up" && up.open();
  return { up: up.promise, log: { ...silent, debug: (message: string) => void debug(message) } };
}

describe("the renewal thread", () => {
  it("keeps the lease of a worker whose loop is blocked for longer than that", async () => {
    const store = await fileStore();
    const slow = blocker(store, 3_000);
    const { observe, count } = recorder();
    const { up, log } = threadUp();
    await startWorker({ store, workflows: [slow], leaseMs: 1_200, observe, log });
    await up;
    const run = await submit(store, slow);
    expect(await result(store, run, slow)).toBeGreaterThan(300);
    expect(count({ type: "session", what: "doubtful" })).toBe(0);
    expect(count({ type: "session", what: "lost" })).toBe(0);
  });

  it("does not vouch for a loop that is blocked for longer than `maxBlockMs`", async () => {
    const store = await fileStore();
    const slow = blocker(store, 3_000);
    const { observe, seen } = recorder();
    const { up, log } = threadUp();
    await startWorker({ store, workflows: [slow], leaseMs: 1_200, maxBlockMs: 300, observe, log });
    await up;
    const run = await submit(store, slow);
    expect(await result(store, run, slow)).toBeLessThan(0);
    await seen({ type: "session", what: "doubtful" });
    await seen({ type: "session", what: "trusted" });
  });

  it("brings the news of a cancelled run to a worker that hears nothing else", async () => {
    const store = await fileStore();
    const deafTo = around(store, (verb, call) => (verb === "listen" ? new Promise(() => {}) : call()));
    const patient = task({
      name: "patient",
      run: (_, ctx) =>
        new Promise<null>((_, reject) =>
          ctx.signal.addEventListener("abort", () => reject(new Error("over"))),
        ),
    });
    const { observe, seen } = recorder();
    const { up, log } = threadUp();
    await startWorker({ store: deafTo, workflows: [patient], concurrency: 1, leaseMs: 600, observe, log });
    await up;
    const run = await submit(store, patient);
    await seen({ type: "started" });
    await store.cancel(run);
    expect(await ended(store, run)).toBe("cancelled");
  });

  it("is stood in for by the main loop when it cannot start", async () => {
    const store = await fileStore();
    const broken = new Proxy(store, {
      get(target, key) {
        if (key === "renewal") return { module: "data:text/javascript,throw new Error('no')", data: null };
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const done = gate();
    const slow = task({ name: "slow", run: () => done.promise.then(() => "kept") });
    const { observe, seen, count } = recorder();
    const renewals = gate();
    let renewed = 0;
    const counted = around(broken, (verb, call) => {
      if (verb === "renew" && ++renewed === 6) renewals.open();
      return call();
    });
    await startWorker({ store: counted, workflows: [slow], leaseMs: 900, observe });
    const run = await submit(store, slow);
    await seen({ type: "started" });
    await renewals.promise;
    done.open();
    expect(await result(store, run, slow)).toBe("kept");
    expect(count({ type: "session", what: "doubtful" })).toBe(0);
  });

  it.each([
    ["dies later", "process.exit(1)"],
    ["cannot reach the store any more", "Promise.reject(new Error('away'))"],
  ])("is stood in for when it %s", async (_, end) => {
    const store = await fileStore();
    const source = `
      let renewals = 0;
      export const openRenewer = () => ({
        renew: async () => (++renewals > 2 ? ${end} : { status: "alive", held: 0, mail: [] }),
        close: async () => {},
      });`;
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    const { up, log } = threadUp();
    const again = gate();
    let isUp = false;
    let renewed = 0;
    const counted = around(store, (verb, call) => {
      if (verb === "renew" && isUp && ++renewed === 3) again.open();
      return call();
    });
    const mortal = new Proxy(counted, {
      get: (target, key) => (key === "renewal" ? { module, data: null } : Reflect.get(target, key)),
    });
    const { observe, count } = recorder();
    await startWorker({ store: mortal, workflows: [blocker(store, 0)], leaseMs: 900, log, observe });
    await up;
    isUp = true;
    await again.promise;
    expect(count({ type: "session", what: "lost" })).toBe(0);
  });
});
