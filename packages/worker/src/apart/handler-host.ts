import { setMaxListeners } from "node:events";
import { fileURLToPath } from "node:url";
import { getHeapStatistics } from "node:v8";
import {
  type AnyTask,
  type Duration,
  errorShape,
  JobbersError,
  type TaskContext,
  type TaskLog,
} from "@jobbers/core";
import { AttemptAborted } from "../aborted.js";
import { guardStrays } from "../stray.js";
import { encodeOutput, Final, parseInput } from "../task-io.js";
import { Beats } from "./beats.js";
import { createModuleLoader, innerExports, isTypescript, taskIn } from "./modules.js";
import { type ChildData, jsonOf, type Order, type Said } from "./protocol.js";
import { receiveError, sendError } from "./sent-error.js";
import { markApart } from "./trap.js";

/** How a child speaks to its worker, be it a thread or a process. */
export interface HostPort {
  /** `sent` is called when the child may end without losing it. */
  post(said: Said, sent?: () => void): void;
  onOrder(take: (order: Order) => void): void;
}

interface Loaded {
  readonly module: Record<string, unknown>;
  /** What the module's `createDeps` answered. */
  readonly deps: { readonly value: unknown } | undefined;
}

/** A handler that finds more of the memory taken than this leaves the child to no other. */
const WORN = 0.75;
const MAX_FIELD_CHARS = 16 * 1024;

/** The child's part: loads the module once, and runs its handlers one at a time, as they are ordered. */
export class HandlerHost {
  readonly #data: ChildData;
  readonly #port: HostPort;
  readonly #loaded: Promise<Loaded>;
  #current: { readonly call: number; readonly controller: AbortController } | undefined;
  readonly #waiting = new Map<number, { resolve(): void; reject(thrown: unknown): void }>();
  #throttlings = 0;

  constructor(data: ChildData, port: HostPort) {
    this.#data = data;
    this.#port = port;
    markApart(data.module);
    guardStrays(this.#log(0));
    process.on("uncaughtException", (thrown) => this.#crash(thrown));
    port.onOrder((order) => this.#take(order));
    this.#loaded = this.#load();
    this.#loaded.then(
      () => port.post({ type: "loaded" }),
      (thrown: unknown) => port.post({ type: "loaded", unusable: sendError(thrown) }),
    );
  }

  async #load(): Promise<Loaded> {
    const { module: href } = this.#data;
    try {
      const load = await createModuleLoader(isTypescript(href));
      const module = await load(href);
      const { createDeps } = { ...innerExports(module), ...module };
      if (typeof createDeps !== "function") return { module, deps: undefined };
      return { module, deps: { value: await createDeps() } };
    } catch (cause) {
      const { name, message } = errorShape(cause);
      const what = "cannot be loaded for an isolated handler";
      throw new JobbersError("module-unusable", `${pathOf(href)} ${what}: ${name}: ${message}`, { cause });
    }
  }

  #take(order: Order): void {
    if (order.type === "run") return void this.#run(order);
    if (order.type === "throttled") return void this.#throttled(order);
    const current = this.#current;
    if (current?.call !== order.call) return;
    current.controller.abort(new AttemptAborted(order.reason, order.message));
    this.#port.post({ type: "heard", call: order.call });
  }

  /** Has the worker tell the store to slow down, and waits for what comes of it. */
  #throttle(call: number, duration: Duration, limit: string | undefined): Promise<void> {
    const number = ++this.#throttlings;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#port.post({ type: "throttled", call, number, duration, ...(limit !== undefined && { limit }) });
    });
  }

  #throttled({ number, error }: Order & { readonly type: "throttled" }): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error) waiting?.reject(receiveError(error));
    else waiting?.resolve();
  }

  async #run(order: Order & { readonly type: "run" }): Promise<void> {
    const { call } = order;
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    this.#current = { call, controller };
    const beats = new Beats((progress) => this.#port.post({ type: "heartbeat", call, progress }));
    try {
      const output = await this.#handle(order, controller.signal, beats);
      this.#port.post({ type: "answered", call, output, worn: this.#isWorn });
    } catch (thrown) {
      const { thrown: error, reason: final } =
        thrown instanceof Final ? thrown : { thrown, reason: undefined };
      this.#port.post({ type: "failed", call, error: sendError(error), final, worn: this.#isWorn });
    } finally {
      beats.stop();
      this.#current = undefined;
    }
  }

  async #handle(
    { call, task: name, input, maxOutputBytes, about }: Order & { readonly type: "run" },
    signal: AbortSignal,
    beats: Beats,
  ): Promise<string> {
    const { module, deps } = await this.#loaded;
    const task = this.#task(module, name);
    const parsed = await parseInput(task, JSON.parse(input));
    signal.throwIfAborted();
    this.#port.post({ type: "began", call });
    const ctx = {
      ...about,
      log: this.#log(call),
      signal,
      heartbeat: (progress) => beats.note(progress),
      throttled: (duration, limit) => this.#throttle(call, duration, limit),
    } satisfies Omit<TaskContext, "deps">;
    const output = await task.run(parsed, withDeps(ctx, deps, this.#data.module));
    return encodeOutput(output, name, maxOutputBytes);
  }

  #task(module: Record<string, unknown>, name: string): AnyTask {
    const task = taskIn(module, name);
    if (task) return task;
    throw new JobbersError(
      "module-unusable",
      `${pathOf(this.#data.module)} exports no task "${name}", nor a dag that has one; module has to be the file that exports it`,
    );
  }

  #log(call: number): TaskLog {
    const write = (level: keyof TaskLog) => (message: string, given?: unknown) => {
      const fields = given === undefined ? undefined : (jsonOf(given, MAX_FIELD_CHARS) as never);
      this.#port.post({ type: "log", call, level, message: String(message), fields });
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }

  get #isWorn(): boolean {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return used > WORN * limit;
  }

  #crash(thrown: unknown): void {
    this.#port.post({ type: "crashing", error: sendError(thrown) }, () => process.exit(1));
  }
}

/** Reads `deps` only when the handler does: most have no use for it. */
function withDeps(ctx: Omit<TaskContext, "deps">, deps: Loaded["deps"], module: string): TaskContext {
  if (deps) return { ...ctx, deps: deps.value };
  return Object.defineProperty(ctx, "deps", {
    configurable: true,
    get() {
      throw new JobbersError(
        "module-unusable",
        `ctx.deps does not reach an isolated handler; export a function createDeps() from ${pathOf(module)}, and its answer is ctx.deps there`,
      );
    },
  }) as TaskContext;
}

function pathOf(href: string): string {
  return fileURLToPath(href);
}
