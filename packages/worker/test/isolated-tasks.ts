import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, threadId } from "node:worker_threads";
import { RetryAfter, type Schema, type TaskContext, Terminal, task } from "@jobbers/core";

/** What the isolated tasks of the tests can be told to do. */
export interface Deed {
  readonly what: string;
  readonly value?: unknown;
}

/** A schema by hand: the test's own bench would bring a store and a test runner into each child. */
function schema<T>(parse: (value: T) => T): Schema<T> {
  const validate = (value: unknown) => {
    try {
      return { value: parse(value as T) };
    } catch (error) {
      return { issues: [{ message: (error as Error).message }] };
    }
  };
  return { "~standard": { version: 1, vendor: "test", validate } };
}

class Odd extends RangeError {
  override readonly name = "Odd";
  readonly extra = { n: 1 };
}

const stock: unknown[] = [];

async function act({ what, value }: Deed, ctx: TaskContext<{ base: number }>): Promise<unknown> {
  switch (what) {
    case "echo":
      return value;
    case "where":
      return { pid: process.pid, isMainThread, threadId };
    case "context": {
      const { run, step, attempt, tries, idempotencyKey, traceparent } = ctx;
      ctx.log.warn("hello", { n: 1 });
      console.log("from the console");
      return { run, step, attempt, tries, idempotencyKey, traceparent };
    }
    case "deps":
      return ctx.deps.base;
    case "throw":
      throw new Odd("how odd", { cause: new TypeError("below") });
    case "throw text":
      throw "just text";
    case "terminal":
      throw new Terminal("never again");
    case "retry after":
      throw new RetryAfter("1h");
    case "date":
      return new Date();
    case "patient":
      ctx.heartbeat({ at: "waiting", done: 1, total: 2 });
      await once(ctx.signal, "abort");
      ctx.log.info("aborted", { why: (ctx.signal.reason as { reason: string }).reason });
      throw ctx.signal.reason;
    case "beat":
      for (const until = Date.now() + (value as number); Date.now() < until; ) {
        ctx.heartbeat({ done: 1 });
        await sleep(20);
      }
      return "beaten";
    case "loop":
      ctx.heartbeat({ detail: { pid: process.pid } });
      for (;;);
    case "deaf":
      ctx.heartbeat({ detail: { pid: process.pid } });
      await sleep(3_600_000);
      return null;
    case "exit":
      process.exit(3);
      return null;
    case "abort":
      process.abort();
      return null;
    case "segfault":
      process.kill(process.pid, "SIGSEGV");
      await sleep(3_600_000);
      return null;
    case "stray":
      setTimeout(() => {
        throw new Error("nobody caught this");
      });
      await sleep(3_600_000);
      return null;
    case "leak":
      for (;;) {
        stock.push(new Array(10_000).fill(Math.random()));
        if (stock.length % 100 === 0) await sleep(1);
      }
    case "leak buffers":
      for (;;) {
        stock.push(Buffer.alloc(2 ** 20, 1));
        await sleep(1);
      }
    default:
      throw new Error(`no deed ${what}`);
  }
}

const input = schema<Deed>((value) => {
  if (value?.what === "refuse") throw new Error("is refused");
  return value;
});

const output = schema<unknown>((value) => {
  if (value === "wrong") throw new Error("is wrong");
  return value;
});

/** A task in a thread, or in a process. */
function define(isolate: "thread" | "process", name: string = isolate, more: object = {}) {
  return task({
    ...{ name, isolate, module: import.meta.url, input, output, run: act as never },
    retry: { attempts: 1 },
    ...more,
  });
}

export const inThread = define("thread");
export const inProcess = define("process");
export const impatientThread = define("thread", "impatient-thread", { timeout: "300ms" });
export const impatientProcess = define("process", "impatient-process", { timeout: "300ms" });
export const beatingThread = define("thread", "beating-thread", { heartbeat: "250ms" });
export const smallThread = define("thread", "small-thread", { maxMemory: "32MB" });
export const smallProcess = define("process", "small-process", { maxMemory: "160MB" });
export const twiceThread = define("thread", "twice-thread", {
  retry: { attempts: 2, delay: 1, jitter: false, on: (error: unknown) => error instanceof RangeError },
});
export const createDeps = () => ({ base: 42 });
