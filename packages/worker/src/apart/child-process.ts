import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { ownFileArguments } from "../own-file.js";
import type { Environment } from "../programs/environment.js";
import { endTrees, TREE_MARK } from "../trees/tree.js";
import type { Watchdog } from "../trees/watchdog.js";
import { type Child, type ChildEars, type Ending, megabytes } from "./child.js";
import type { ChildData, Said } from "./protocol.js";

/** How often a process with a maxMemory is looked at, in milliseconds. */
const LOOK_MS = 200;

/** SIGKILL is obeyed at once, unless the kernel is at work for the process. */
const DEATH_MS = 5_000;

/** How long to wait for the last words of a process that has ended, in milliseconds. */
const LAST_WORDS_MS = 300;

/** Options of this process that are for it alone; those that take a value as a word of its own bring it along. */
const ownOptions = /^--(?:inspect|watch|test|input-type|max-old-space-size|eval|print|check)|^-[epc]/;
const withValue = /^(?:-e|-p|-pe|--eval|--print)$/;

/** Starts a process that runs handlers. */
export function startChildProcess(
  data: ChildData,
  ears: ChildEars,
  { environment, watchdog }: { readonly environment: Environment; readonly watchdog: Watchdog },
): Child {
  const { module, maxMemoryBytes } = data;
  const heap = maxMemoryBytes === undefined ? [] : [`--max-old-space-size=${megabytes(maxMemoryBytes)}`];
  const mark = watchdog.newMark();
  const entry = ownFileArguments("apart/process-entry");
  const argv = [...inheritedOptions(process.execArgv), ...heap, ...entry, module, `${maxMemoryBytes ?? ""}`];
  const started = spawn(process.execPath, argv, {
    // A group of its own, to be killed as a whole; and Ctrl-C in the worker's terminal is not for it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...environment, [TREE_MARK]: mark },
  });
  const { pid } = started;
  const tree = { pid: pid ?? 0, mark };
  const unwatch = pid === undefined ? () => {} : watchdog.watch(tree);
  const memory = new MemoryWatch(pid, maxMemoryBytes, () => started.kill("SIGKILL"));
  let isOutOfHeap = false;
  started.on("message", (said) => ears.onSaid(said as Said));
  started.stdout?.on("data", (chunk: Buffer) => ears.onWritten("stdout", chunk));
  started.stderr?.on("data", (chunk: Buffer) => {
    isOutOfHeap ||= chunk.includes("heap out of memory");
    ears.onWritten("stderr", chunk);
  });
  const ended = endOf(started).then(async (ending) => {
    memory.stop();
    // What its handlers have started goes with it.
    if (pid !== undefined) await endTrees([tree], DEATH_MS);
    unwatch();
    if (!memory.isOver && !isOutOfHeap) return ending;
    const limit = maxMemoryBytes === undefined ? "Node.js gives it by default" : memory.limit;
    return { how: `needed more memory than ${limit}` };
  });
  return {
    send: (order) => void (started.connected && started.send(order, () => {})),
    kill: () => void started.kill("SIGKILL"),
    get isAlive() {
      return started.exitCode === null && started.signalCode === null && started.connected;
    },
    ended,
  };
}

function endOf(started: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    started.on("error", (cause) => {
      // Another error may be a message that could not be sent any more.
      if (started.pid === undefined) resolve({ how: `could not be started: ${cause.message}`, cause });
    });
    started.once("exit", (code, signal) => {
      const ending = { how: signal ? `was ended by ${signal}` : `exited with code ${code}` };
      // "close" comes when its last words were read; whoever it left behind may still hold its pipes open.
      const enough = setTimeout(() => resolve(ending), LAST_WORDS_MS);
      started.once("close", () => {
        clearTimeout(enough);
        resolve(ending);
      });
    });
  });
}

/** The options that this process was started with, as far as they are for a process beside it. */
export function inheritedOptions(options: readonly string[]): string[] {
  return options.filter((option, at) => {
    const isValue = at > 0 && withValue.test(options[at - 1] as string);
    return !isValue && !ownOptions.test(option);
  });
}

/** Looks, on Linux, at how much memory a process has, and tells when it is more than it may. */
class MemoryWatch {
  readonly #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(
    pid: number | undefined,
    private readonly maxBytes: number | undefined,
    private readonly onOver: () => void,
  ) {
    if (pid === undefined || maxBytes === undefined || process.platform !== "linux") return;
    this.#timer = setInterval(() => void this.#look(pid, maxBytes), LOOK_MS);
    this.#timer.unref();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get limit(): string {
    return `its maxMemory of ${megabytes(this.maxBytes ?? 0)} MB`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(pid: number, maxBytes: number): Promise<void> {
    const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    if (kilobytes * 1024 <= maxBytes) return;
    this.#isOver = true;
    this.stop();
    this.onOver();
  }
}
