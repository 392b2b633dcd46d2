import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RetryAfter, type RetryOn, type RetryPolicy, type StepError, Terminal, task } from "@jobbers/core";
import { createFakeClock } from "@jobbers/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWorker } from "../src/index.js";
import { ended, openStore, recorder, result, silent, startWorker, submit } from "./bench.js";

const HOUR_MS = 3_600_000;

/** Runs a task to its end on a clock that jumps to each timer; answers its delays and its attempts. */
async function tried(
  retry: RetryPolicy & { on?: RetryOn },
  throws: (tries: number) => unknown,
  { timeout }: { timeout?: number } = {},
) {
  const clock = createFakeClock();
  const store = await openStore("memory:", { clock: clock.now });
  const logged: unknown[] = [];
  const flaky = task({
    ...{ name: "flaky", retry, timeout },
    run: async (_, { tries, signal }): Promise<number> => {
      const thrown = throws(tries);
      if (thrown === "hang") await new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (thrown === undefined) return tries;
      throw thrown;
    },
  });
  const { observe, seen } = recorder();
  const log = { ...silent, error: (...line: unknown[]) => void logged.push(line) };
  await startWorker({ store, workflows: [flaky], observe, log });
  const run = await submit(store, flaky);
  const delays: number[] = [];
  for (let n = 1; n < 20; n++) {
    const event = await seen({ type: "reported" }, n);
    if (event.type !== "reported" || event.report !== "retry") break;
    const dueAtMs = (await store.getStep(run, "flaky"))?.dueAtMs as number;
    delays.push(dueAtMs - clock.now());
    clock.set(dueAtMs);
    await store.promoteDue(10);
  }
  return {
    ...{ delays, logged, state: await ended(store, run) },
    attempts: await store.listAttempts(run, "flaky"),
  };
}

describe("retry", () => {
  it("waits as its list of delays says, the last one again and again", async () => {
    const { delays, state } = await tried({ delay: ["3s", "30s", "10m", "24h"], attempts: 7 }, () => "no");
    expect(delays).toEqual([3_000, 30_000, 600_000, 24 * HOUR_MS, 24 * HOUR_MS, 24 * HOUR_MS]);
    expect(state).toBe("failed");
  });

  it("is over when `on` says so, and the attempt is in the history like any other", async () => {
    const { delays, state, attempts } = await tried(
      { attempts: 5, delay: "1s", jitter: false, on: (error, { tries }) => tries < 2 && error === "no" },
      () => "no",
    );
    expect([delays, state]).toEqual([[1_000], "failed"]);
    expect(attempts.map(({ reason, error }) => [reason, JSON.parse(error as string).message])).toEqual([
      ["error", "no"],
      ["error", "no"],
    ]);
  });

  it("asks `on` about a timeout, too", async () => {
    const asked: unknown[] = [];
    const on = (error: unknown) => {
      asked.push((error as { reason: string }).reason);
      return false;
    };
    const { state, attempts } = await tried({ on }, () => "hang", { timeout: 5 });
    expect([state, asked, attempts.map(({ reason }) => reason)]).toEqual([
      "failed",
      ["timeout"],
      ["timeout"],
    ]);
  });

  it("goes on where `on` throws, which is logged with run and step", async () => {
    const on = () => {
      throw new Error("bang");
    };
    const { state, delays, logged } = await tried({ attempts: 2, delay: ["1s"], on }, () => "no");
    expect([state, delays]).toEqual(["failed", [1_000]]);
    expect(logged).toEqual([
      [
        "retry.on did not say whether to try again, which counts as yes",
        { run: expect.any(String), step: "flaky", error: "bang" },
      ],
    ]);
  });

  it("is over after Terminal, whatever the policy", async () => {
    const { delays, attempts } = await tried({ attempts: 9, on: () => true }, () => {
      return new Terminal("gone", { cause: new TypeError("410") });
    });
    expect(delays).toEqual([]);
    expect(JSON.parse(attempts[0]?.error as string)).toMatchObject({
      ...{ name: "Terminal", message: "gone", cause: { name: "TypeError", message: "410" } },
    });
  });

  it("comes when RetryAfter says, within the attempts that there are", async () => {
    const after = ["90s", 0, "3650d", "1s"] as const;
    const { delays, state } = await tried({ attempts: 4, delay: "1s" }, (n) => new RetryAfter(after[n - 1]!));
    expect(delays).toEqual([90_000, 0, 3650 * 24 * HOUR_MS]);
    expect(state).toBe("failed");
  });

  it("is decided by the worker's own version of the task, not by the run's plan", async () => {
    const store = await openStore();
    const submitted = task({
      name: "t",
      retry: { attempts: 5 },
      run: async () => 1,
    });
    const registered = task({
      name: "t",
      retry: { attempts: 5, on: () => false },
      run: async (): Promise<number> => {
        throw new Error("no");
      },
    });
    await startWorker({ store, workflows: [registered] });
    const run = await submit(store, submitted);
    expect(await ended(store, run)).toBe("failed");
    expect((await store.getStep(run, "t"))?.tries).toBe(1);
  });

  it("survives a restart, a day later", async () => {
    const directory = mkdtempSync(join(tmpdir(), "jobbers-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const url = `sqlite:${join(directory, "late.db")}`;
    const clock = createFakeClock();
    const late = task({
      name: "late",
      retry: { delay: ["24h"] },
      run: async (_, { tries }) => {
        if (tries === 1) throw new Error("not today");
        return "today";
      },
    });
    const { observe, seen } = recorder();
    const before = await openStore(url, { clock: clock.now });
    const worker = createWorker({ store: before, workflows: [late], observe, log: silent });
    await worker.start();
    const run = await submit(before, late);
    await seen({ type: "reported", report: "retry" });
    await worker.stop();
    await before.close();

    const store = await openStore(url, { clock: clock.now });
    await startWorker({ store, workflows: [late] });
    clock.advance(24 * HOUR_MS - 1);
    expect(await store.promoteDue(10)).toMatchObject({ promoted: 0, nextDueMs: 1 });
    clock.advance(1);
    await store.promoteDue(10);
    expect(await result(store, run, late)).toBe("today");
  });
});

describe("the history of attempts", () => {
  /** What is kept of something thrown. */
  async function kept(thrown: unknown): Promise<StepError> {
    const { attempts } = await tried({ attempts: 1 }, () => thrown);
    expect(attempts).toHaveLength(1);
    return JSON.parse(attempts[0]?.error as string);
  }

  it("has name, message, stack, causes and the errors of an AggregateError", async () => {
    const inner = [new TypeError("one"), "two"];
    const error = new AggregateError(inner, "all", { cause: new RangeError("why", { cause: 7 }) });
    expect(await kept(error)).toEqual({
      ...{ name: "AggregateError", message: "all", stack: expect.stringContaining("retrying.test.ts") },
      cause: {
        ...{ name: "RangeError", message: "why", stack: expect.any(String) },
        cause: { name: "Thrown", message: "7" },
      },
      errors: [
        { name: "TypeError", message: "one", stack: expect.any(String) },
        { name: "Thrown", message: "two" },
      ],
    });
  });

  it("stays small, whatever is thrown", async () => {
    const error = new Error("é".repeat(1_000_000), { cause: new Error("x".repeat(1_000_000)) });
    const text = JSON.stringify(await kept(error));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8 * 1024);
    expect(text).toContain("… cut …");
  });

  it("has nothing of what the step was given", async () => {
    const error = Object.assign(new Error("refused"), { request: { body: "hunter2" } });
    expect(JSON.stringify(await kept(error))).not.toContain("hunter2");
  });
});
