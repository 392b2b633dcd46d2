import { startOwnThread } from "../own-file.js";
import { type Child, type ChildEars, type Ending, megabytes } from "./child.js";
import type { ChildData, Said } from "./protocol.js";

/** The young part of a heap, in megabytes: a quarter of a small one. */
const YOUNG_MB = 16;

/** Starts a thread that runs handlers. */
export function startChildThread(data: ChildData, ears: ChildEars): Child {
  const { maxMemoryBytes } = data;
  const memoryMb = maxMemoryBytes === undefined ? undefined : megabytes(maxMemoryBytes);
  const thread = startOwnThread("apart/thread-entry", {
    workerData: data,
    // What it writes must not get between what the worker's own process prints.
    ...{ stdout: true, stderr: true },
    ...(memoryMb !== undefined && {
      resourceLimits: {
        maxOldGenerationSizeMb: memoryMb,
        maxYoungGenerationSizeMb: Math.min(YOUNG_MB, Math.ceil(memoryMb / 4)),
      },
    }),
  });
  let error: (Error & { code?: string }) | undefined;
  thread.on("message", (said: Said) => ears.onSaid(said));
  thread.on("messageerror", () => {});
  thread.on("error", (thrown) => {
    error = thrown as Error;
  });
  thread.stdout.on("data", (chunk: Buffer) => ears.onWritten("stdout", chunk));
  thread.stderr.on("data", (chunk: Buffer) => ears.onWritten("stderr", chunk));
  const ended = new Promise<Ending>((resolve) => {
    thread.once("exit", (code) => resolve(endingOf(code, error, memoryMb)));
  });
  return {
    send: (order) => thread.postMessage(order),
    kill: () => void thread.terminate(),
    // A thread that has ended has the id -1.
    get isAlive() {
      return thread.threadId !== -1 && !error;
    },
    ended,
  };
}

function endingOf(
  code: number,
  error: (Error & { code?: string }) | undefined,
  memoryMb: number | undefined,
): Ending {
  if (error?.code === "ERR_WORKER_OUT_OF_MEMORY") {
    const limit =
      memoryMb === undefined ? "Node.js gives a thread by default" : `its maxMemory of ${memoryMb} MB`;
    return { how: `needed more memory than ${limit}`, cause: error };
  }
  if (error) return { how: `ended with ${error.name}: ${error.message}`, cause: error };
  return { how: `exited with code ${code}` };
}
