import { pathToFileURL } from "node:url";
import { JobbersError } from "../errors/errors.js";
import { quoted } from "../values/quoted.js";

/** A size of memory: a number of bytes, or text like "64MB" or "1.5GB"; a KB is 1,024 bytes. */
export type MemorySize = number | `${number}${"KB" | "MB" | "GB"}`;

/** Where a task's handler runs, when it is not to share the worker's own thread. */
export interface IsolationOptions {
  /**
   * Runs the handler apart from the worker: in a thread (starts in some 50 ms, warm calls take less than 1 ms), or in a process (survives
   * `process.abort()`, a crash of native code and blocking calls, too). Both are killed when the attempt's time is over or its run is
   * cancelled, and the handler has not returned half a second later. Needs `module`.
   *
   * @example
   * const parse = task({ name: "parse", isolate: "thread", module: import.meta.url, run: async () => "parsed" });
   */
  isolate?: "thread" | "process" | undefined;
  /** The module that exports this task, or a dag with it: always `import.meta.url` (or `__filename`). */
  module?: string | URL | undefined;
  /**
   * How much memory the thread's heap, or the process as a whole, may take, such as "512MB"; an attempt that takes more fails, nothing
   * else does. At least 16MB for a thread, and 128MB for a process: Node.js takes 60 of them by itself, and 100 with TypeScript. Default: Node's own
   * limit of a heap.
   */
  maxMemory?: MemorySize | undefined;
}

/** Where a task's handler runs, as a worker reads it. */
export interface Isolation {
  readonly in: "thread" | "process";
  /** The URL of the file. */
  readonly module: string;
  readonly maxMemoryBytes: number | undefined;
}

const unitBytes = { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 } as const;
const leastMemory = { thread: "16MB", process: "128MB" } as const;

/**
 * Checks where a handler is to run; undefined: in the worker's own thread.
 *
 * @throws JobbersError `definition-invalid`, naming the option
 */
export function isolationOf(
  { isolate, module, maxMemory }: IsolationOptions,
  what: string,
): Isolation | undefined {
  if (isolate === undefined) {
    const stray = module !== undefined ? "module" : maxMemory !== undefined ? "maxMemory" : undefined;
    if (stray === undefined) return undefined;
    throw invalid(`${what}: ${stray} says nothing without isolate; add isolate: "thread" or "process"`);
  }
  if (isolate !== "thread" && isolate !== "process")
    throw invalid(`${what}: isolate is ${quoted(isolate)}; it takes "thread" or "process"`);
  const maxMemoryBytes =
    maxMemory === undefined ? undefined : memoryBytes(maxMemory, leastMemory[isolate], `${what}: maxMemory`);
  return { in: isolate, module: moduleUrl(module, what), maxMemoryBytes };
}

function moduleUrl(module: unknown, what: string): string {
  const text = module instanceof URL ? module.href : module;
  if (typeof text === "string" && text.startsWith("file:")) {
    const url = new URL(text);
    // Loaders add their own marks, such as tsx's namespace.
    url.search = "";
    url.hash = "";
    return url.href;
  }
  if (typeof text === "string" && /^(?:\/|[A-Za-z]:\\)/.test(text)) return pathToFileURL(text).href;
  const given = module === undefined ? "isolate needs module" : `module is ${quoted(module)}`;
  throw invalid(
    `${what}: ${given}; write module: import.meta.url, so that the thread or process can load the task itself`,
  );
}

/**
 * Turns a size of memory into bytes.
 *
 * @throws JobbersError `definition-invalid` when it is none, or less than `least`
 */
function memoryBytes(value: unknown, least: MemorySize & string, what: string): number {
  const bytes = typeof value === "number" ? value : textBytes(value);
  if (!Number.isFinite(bytes) || bytes > 2 ** 50)
    throw invalid(`${what} is ${quoted(value)}; it takes a number of bytes, or text like "512MB" or "2GB"`);
  if (bytes < textBytes(least)) throw invalid(`${what} is ${quoted(value)}; the least is ${least}`);
  return Math.floor(bytes);
}

function textBytes(value: unknown): number {
  const match = typeof value === "string" && value.length < 40 && /^(\d+(?:\.\d+)?)(KB|MB|GB)$/.exec(value);
  return match ? Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes] : Number.NaN;
}

function invalid(message: string): JobbersError {
  return new JobbersError("definition-invalid", message);
}
