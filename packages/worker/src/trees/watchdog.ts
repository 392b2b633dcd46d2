import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { TaskLog } from "@jobbers/core";
import { ownFileArguments } from "../own-file.js";
import type { Tree } from "./tree.js";

/** One that ends sooner than this cannot run here; trying on would help nobody. */
const LEAST_LIFE_MS = 1_000;

/**
 * Sees to it that no tree of processes outlives the worker, not even one that is killed with SIGKILL: a process of its own waits for the
 * end of a pipe to the worker, and then kills what is left. It is started with the first tree, and anew should it be killed.
 */
export class Watchdog {
  readonly #marks = `${randomBytes(12).toString("hex")}.`;
  readonly #trees = new Set<Tree>();
  #process: ChildProcess | undefined;
  #count = 0;
  #closed = false;

  constructor(private readonly log: TaskLog) {}

  /** A mark for the environment of a tree that is about to be started. The watchdog is up, or will be, before that is. */
  newMark(): string {
    this.#process ??= this.#start();
    return `${this.#marks}${++this.#count}`;
  }

  /** Watches over a tree; call the answer when all of it has ended. */
  watch(tree: Tree): () => void {
    this.#trees.add(tree);
    this.#tell("+", tree);
    return () => {
      this.#trees.delete(tree);
      this.#tell("-", tree);
    };
  }

  /** Ends the watchdog, which ends what is left of the trees. */
  close(): void {
    this.#closed = true;
    this.#process?.stdin?.end();
    this.#process = undefined;
  }

  #start(): ChildProcess {
    // A group of its own: what ends the worker's whole group, such as Ctrl-C, must not end this. Neither may a mark reach it.
    const startedMs = performance.now();
    const started: ChildProcess = spawn(
      process.execPath,
      [...ownFileArguments("trees/watchdog-process"), this.#marks],
      { detached: true, stdio: ["pipe", "ignore", "ignore"], env: {}, cwd: "/" },
    );
    started.unref();
    started.stdin?.on("error", () => {});
    (started.stdin as unknown as { unref?(): void }).unref?.();
    started.on("error", (error) =>
      this.log.error(
        "the watchdog of started processes does not start; they may outlive a worker that is killed",
        {
          error: error.message,
        },
      ),
    );
    started.once("exit", () => {
      if (this.#closed || this.#process !== started) return;
      this.#process = undefined;
      if (this.#trees.size === 0) return;
      if (performance.now() - startedMs < LEAST_LIFE_MS) {
        this.log.error("the watchdog of started processes ended at once; they may outlive the worker");
        return;
      }
      this.log.warn("the watchdog of started processes was ended; there is a new one");
      this.#process = this.#start();
      for (const tree of this.#trees) this.#tell("+", tree);
    });
    return started;
  }

  #tell(what: "+" | "-", { pid, mark }: Tree): void {
    this.#process?.stdin?.write(`${what}${pid} ${mark}\n`);
  }
}
