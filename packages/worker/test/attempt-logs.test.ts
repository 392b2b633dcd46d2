import {
  batchTask,
  isRunEvent,
  JobbersError,
  type LogRecord,
  STEP_LOG_LINES,
  type Store,
  task,
} from "@jobbers/core";
import { describe, expect, it, onTestFinished } from "vitest";
import type { WorkerOptions } from "../src/index.js";
import { around, ended, gate, openStore, startWorker, submit, submitMany } from "./bench.js";

async function readLog(store: Store, run: string): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (let after: string | undefined, n = 0; n < 1_000; n++) {
    const page = await store.readLogs(run, { limit: 500, after });
    all.push(...page.lines);
    after = page.next;
    if (!page.more) return all;
  }
  throw new Error("the log never ends");
}

const shown = (lines: readonly LogRecord[]) => lines.map(({ level, message }) => `${level} ${message}`);

/** A store that counts calls of `appendLogs`, each of which goes through `through`. */
function counting(
  store: Store,
  through: (call: () => Promise<unknown>) => Promise<unknown> = (call) => call(),
) {
  const counts = { calls: 0 };
  const counted = around(store, (verb, call) => {
    if (verb !== "appendLogs") return call();
    counts.calls++;
    return through(call);
  });
  return { store: counted, counts };
}

const chatty = task({
  name: "chatty",
  retry: { attempts: 2, delay: "1ms", jitter: false },
  async run({ fails = false }: { fails?: boolean }, ctx) {
    ctx.log.debug("hidden");
    ctx.log.info("begun", { tries: ctx.tries });
    if (fails && ctx.tries === 1) {
      ctx.log.error("bad luck");
      throw new Error("once");
    }
    ctx.log.warn("done");
    return "done";
  },
});

async function begin(options: Partial<WorkerOptions> & Pick<WorkerOptions, "workflows">, store?: Store) {
  const place = store ?? (await openStore());
  await startWorker({ store: place, ...options });
  return place;
}

describe("what a handler logs", () => {
  it("is there when its run has ended, with level, attempt and fields", async () => {
    const store = await begin({ workflows: [chatty] });
    const run = await submit(store, chatty, { fails: true });
    const promoting = setInterval(() => void store.promoteDue(100), 5);
    onTestFinished(() => clearInterval(promoting));
    expect(await ended(store, run)).toBe("succeeded");
    const lines = await readLog(store, run);
    expect(shown(lines)).toEqual(["info begun", "error bad luck", "info begun", "warn done"]);
    expect(lines.map(({ attempt, number }) => [attempt, number])).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ]);
    expect(lines[2]).toMatchObject({ step: "chatty", fields: { tries: 2 } });
  });

  it("is there for each of many at once, in few calls, and costs none where nobody logs", async () => {
    const quiet = task({ name: "quiet", run: async () => "quiet" });
    const { store, counts } = counting(await openStore());
    await begin({ workflows: [chatty, quiet], concurrency: 50 }, store);
    for (const run of await submitMany(store, quiet, 50)) await ended(store, run);
    expect(counts.calls).toBe(0);
    for (const run of await submitMany(store, chatty, 200)) {
      await ended(store, run);
      expect(shown(await readLog(store, run))).toEqual(["info begun", "warn done"]);
    }
    expect(counts.calls).toBeLessThan(50);
  });

  it("is seen while the step still runs", async () => {
    const over = gate();
    const slow = task({
      name: "slow",
      async run(_, ctx) {
        ctx.log.info("first");
        await over.promise;
        ctx.log.info("last");
      },
    });
    const store = await begin({ workflows: [slow] });
    const run = await submit(store, slow);
    const signal = AbortSignal.timeout(5_000);
    let told = 0;
    for (let cursor = 0; told === 0; ) {
      const page = await store.readEvents(cursor, 100);
      cursor = page.cursor;
      told = page.events.filter((event) => isRunEvent(event) && event.type === "step.logged").length;
      if (told === 0) await store.awaitEvents(cursor, { timeoutMs: 5_000, signal });
      signal.throwIfAborted();
    }
    expect(shown(await readLog(store, run))).toEqual(["info first"]);
    expect((await store.getRun(run))?.state).toBe("running");
    over.open();
    await ended(store, run);
    expect(shown(await readLog(store, run))).toEqual(["info first", "info last"]);
  });

  it("is kept from the level on that the worker says, or the task", async () => {
    const names = { all: "debug", some: undefined, grave: "error", none: "none" } as const;
    const tasks = Object.entries(names).map(([name, keepLogs]) =>
      task({
        name,
        keepLogs,
        async run(_, { log }) {
          log.debug("d");
          log.warn("w");
          log.error("e");
        },
      }),
    );
    const store = await begin({ workflows: tasks, keepLogs: "warn" });
    const found = [];
    for (const each of tasks) {
      const run = await submit(store, each);
      await ended(store, run);
      found.push(shown(await readLog(store, run)).join(", "));
    }
    expect(found).toEqual(["debug d, warn w, error e", "warn w, error e", "error e", ""]);
    expect(() => task({ name: "odd", keepLogs: "loud" as "info", run: async () => 1 })).toThrow(/loud/);
  });

  it("is kept once, though replies get lost", async () => {
    let failures = 0;
    const { store, counts } = counting(await openStore(), async (call) => {
      await call();
      if (failures++ % 3 < 2) throw new JobbersError("store-busy", "the reply got lost");
    });
    await begin({ workflows: [chatty] }, store);
    const runs = await submitMany(store, chatty, 20);
    for (const run of runs) await ended(store, run);
    for (const run of runs) expect(shown(await readLog(store, run))).toEqual(["info begun", "warn done"]);
    expect(counts.calls).toBeGreaterThan(2);
  });

  it("holds nobody up where the store does not take it", async () => {
    const { store } = counting(await openStore(), () => new Promise(() => {}));
    await begin({ workflows: [chatty] }, store);
    for (const run of await submitMany(store, chatty, 30)) expect(await ended(store, run)).toBe("succeeded");
    const refusing = counting(await openStore(), async () => {
      throw new JobbersError("flag-invalid", "no such line");
    });
    await begin({ workflows: [chatty] }, refusing.store);
    const run = await submit(refusing.store, chatty);
    expect(await ended(refusing.store, run)).toBe("succeeded");
    expect(await readLog(refusing.store, run)).toEqual([]);
  });

  it("is bounded: of too much the oldest is dropped, and that is told", async () => {
    const flood = task({
      name: "flood",
      async run(_, ctx) {
        for (let n = 1; n <= 3 * STEP_LOG_LINES; n++) ctx.log.info(`${n}`);
      },
    });
    const store = await begin({ workflows: [flood] });
    const run = await submit(store, flood);
    await ended(store, run);
    const lines = await readLog(store, run);
    expect(lines.length).toBe(STEP_LOG_LINES);
    expect(lines.at(-1)?.message).toBe(`${3 * STEP_LOG_LINES}`);
    expect((await store.readLogs(run, { limit: 1 })).dropped).toBe(2 * STEP_LOG_LINES);
  });

  it("goes with the step that it is about, in a batch", async () => {
    const sums = batchTask({
      name: "sums",
      batch: { size: 3, wait: "10ms" },
      run: async (inputs: readonly unknown[], ctx) => {
        ctx.log.info("of the call");
        return inputs.map((_, i) => {
          ctx.items[i]?.log.info(`item ${i}`);
          return i;
        });
      },
    });
    const store = await begin({ workflows: [sums] });
    const runs = await submitMany(store, sums, 3);
    for (const run of runs) await ended(store, run);
    const found = await Promise.all(runs.map(async (run) => shown(await readLog(store, run))));
    expect(found.flat().sort()).toEqual(["info item 0", "info item 1", "info item 2"]);
    expect(found.every((lines) => lines.length === 1)).toBe(true);
  });

  it("is sent when the worker stops", async () => {
    const begun = gate();
    const deaf = task({
      name: "deaf",
      async run(_, ctx) {
        ctx.log.info("begun");
        begun.open();
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
        ctx.log.info("told to stop");
      },
    });
    const store = await openStore();
    const worker = await startWorker({ store, workflows: [deaf] });
    const run = await submit(store, deaf);
    await begun.promise;
    await worker.stop({ giveBack: true });
    expect(shown(await readLog(store, run))[0]).toBe("info begun");
  });
});
