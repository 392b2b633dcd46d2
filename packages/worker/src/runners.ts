import { setMaxListeners } from "node:events";
import { RUN_PROGRAM, type TaskContext, type TaskLog } from "@jobbers/core";
import { ChildPool } from "./apart/child-pool.js";
import { IsolatedRunner } from "./apart/isolated-runner.js";
import type { AttemptLogs } from "./attempt-logs.js";
import { type ContextTerms, createContext, type Throttle } from "./context.js";
import type { Environment } from "./programs/environment.js";
import { createRunProgram } from "./programs/program.js";
import { type Call, inputOf, type Runner } from "./runner.js";
import { Final } from "./task-io.js";
import { Watchdog } from "./trees/watchdog.js";
import { pause } from "./waiting.js";

/** How long to wait for what was killed, in milliseconds. */
const CLOSE_MS = 10_000;

export interface RunnersOptions {
  readonly deps: unknown;
  readonly log: TaskLog;
  readonly logs: Pick<AttemptLogs, "of">;
  /** How many handlers run at a time. */
  readonly capacity: number;
  readonly abandonAfterMs: number;
  /** The most that a step may answer, in bytes of JSON. */
  readonly maxOutputBytes: number;
  readonly environment: Environment;
  /** Has the store start nothing for a while under the limits of a step. */
  readonly throttle: Throttle;
}

/** Chooses, by what a task declares, where its handler runs; and ends whatever was started for that. */
export class Runners implements Runner {
  readonly #terms: ContextTerms;
  readonly #closing = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #children: ChildPool;
  readonly #isolated: Runner;
  readonly #programs: { readonly [RUN_PROGRAM]: ReturnType<typeof createRunProgram> };
  /** Handlers outside of the worker's own thread. */
  readonly #apart = new Set<Promise<unknown>>();

  constructor(options: RunnersOptions) {
    const { deps, environment, log, logs, abandonAfterMs, capacity, maxOutputBytes, throttle } = options;
    this.#terms = { deps, logs, throttle };
    // Every program listens to it.
    setMaxListeners(0, this.#closing.signal);
    this.#watchdog = new Watchdog(log);
    this.#children = new ChildPool({ capacity, environment, watchdog: this.#watchdog, log });
    this.#isolated = new IsolatedRunner({
      children: this.#children,
      log,
      logs,
      abandonAfterMs,
      maxOutputBytes,
      throttle,
    });
    const terms = { environment, maxOutputBytes, watchdog: this.#watchdog, closing: this.#closing.signal };
    this.#programs = { [RUN_PROGRAM]: createRunProgram(terms) };
  }

  run(call: Call): unknown {
    const { attempt, task } = call;
    if (task.isolation) return this.#note(this.#isolated.run(call));
    const ctx = createContext(attempt, this.#terms);
    if (!task.command) return runHere(call, ctx);
    return this.#note(this.#runProgram(call, { ...ctx, ...this.#programs }));
  }

  /** Resolves when nothing runs outside of the worker's own thread. */
  async whenIdle(): Promise<void> {
    await Promise.allSettled(this.#apart);
  }

  /** Kills whatever still runs outside of the worker's own thread; resolves when nothing of it is left, or after some seconds. */
  async close(): Promise<void> {
    this.#closing.abort();
    const enough = new AbortController();
    const gone = Promise.all([this.#children.close(), this.whenIdle()]);
    // A thread in a blocking call of native code ends when that returns.
    await Promise.race([gone, pause(CLOSE_MS, enough.signal)]);
    enough.abort();
    this.#watchdog.close();
  }

  async #runProgram(call: Call, ctx: TaskContext): Promise<unknown> {
    try {
      return await runHere(call, ctx);
    } catch (thrown) {
      // It would print as much the next time.
      throw isTooLarge(thrown) ? new Final(thrown, "invalid-output") : thrown;
    }
  }

  #note(running: unknown): unknown {
    const noted = running as Promise<unknown>;
    this.#apart.add(noted);
    const forget = () => void this.#apart.delete(noted);
    noted.then(forget, forget);
    return noted;
  }
}

/** Runs a handler in this thread. */
function runHere(call: Call, ctx: TaskContext): unknown {
  const input = inputOf(call);
  return input instanceof Promise ? runLater(input, call, ctx) : begin(input, call, ctx);
}

async function runLater(input: Promise<unknown>, call: Call, ctx: TaskContext): Promise<unknown> {
  return begin(await input, call, ctx);
}

function begin(input: unknown, { attempt, task }: Call, ctx: TaskContext): unknown {
  attempt.begin();
  return task.run(input, ctx);
}

function isTooLarge(thrown: unknown): boolean {
  return (thrown as { readonly code?: unknown } | undefined)?.code === "value-too-large";
}
