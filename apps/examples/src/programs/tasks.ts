// Work that does not run in the worker itself: programs in other languages, and a handler in a thread of its own.
//   npx jobbers run count-words apps/examples/src/programs/tasks.ts --input '{"text":"to be or not to be"}'
import { fileURLToPath } from "node:url";
import { command, task } from "jobbers";
import { z } from "zod";

// Seen from src/programs as well as from dist/programs.
const program = (name: string) => fileURLToPath(new URL(`../../programs/${name}`, import.meta.url));

/** Counts the words of a text, in Python. */
export const countWords = command({
  name: "count-words",
  input: z.object({ text: z.string() }),
  output: z.record(z.string(), z.number()),
  run: ["python3", program("count-words.py")],
  env: { PYTHONUTF8: "1" },
  timeout: "10m",
  heartbeat: "1m",
});

/** Finds the primes below a number, in Java; the input goes into its arguments. */
export const primes = command({
  name: "primes",
  input: z.object({ below: z.int().min(0).max(10_000_000) }),
  output: z.object({ count: z.number(), primes: z.array(z.number()) }),
  run: ({ below }) => ["java", program("primes.java"), String(below)],
  timeout: "1m",
});

/** Measures the folders in a folder, in shell; each line that it prints is one element. */
export const folderSizes = command({
  name: "folder-sizes",
  input: z.object({ folder: z.string() }),
  output: z.array(z.object({ folder: z.string(), kib: z.number() })),
  run: ({ folder }) => ["sh", program("folder-sizes.sh"), folder],
  stdout: "ndjson",
  exitCodes: { terminal: [66] },
});

/** Computes a Fibonacci number the slow way: in the worker's own thread that would keep everything else waiting. */
export const fibonacci = task({
  name: "fibonacci",
  input: z.object({ n: z.int().min(0).max(45) }),
  isolate: "thread",
  module: import.meta.url,
  timeout: "1m",
  maxMemory: "256MB",
  run: async ({ n }) => slowly(n),
});

function slowly(n: number): number {
  return n < 2 ? n : slowly(n - 1) + slowly(n - 2);
}
