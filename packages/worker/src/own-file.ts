import { fileURLToPath } from "node:url";
import { Worker as Thread, type WorkerOptions } from "node:worker_threads";

/**
 * Files of this package that are the beginning of a thread or a process of their own.
 *
 * The built package runs from .js files; under vitest the sources run as they are, which a thread or process has to be taught.
 */
const isSource = import.meta.url.endsWith(".ts");

/** Starts a thread with a file of this package, named without its ending as seen from src. */
export function startOwnThread(file: string, options: WorkerOptions): Thread {
  if (!isSource) return new Thread(hrefOf(file), options);
  const tsx = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const start = `import(${tsx}).then((tsx) => (tsx.register(), import(${JSON.stringify(hrefOf(file).href)})))`;
  return new Thread(start, { ...options, eval: true });
}

/** What Node.js is to be started with to run a file of this package. */
export function ownFileArguments(file: string): string[] {
  const path = fileURLToPath(hrefOf(file));
  return isSource ? ["--import", import.meta.resolve("tsx/esm"), path] : [path];
}

function hrefOf(file: string): URL {
  return new URL(`./${file}.${isSource ? "ts" : "js"}`, import.meta.url);
}
