import { type ChildProcess, fork } from "node:child_process";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type ErrorCode, JobbersError } from "@jobbers/core";
import { createFileWatch } from "./file-watch.js";
import type { FromChild, Serving, ToChild } from "./messages.js";

/** What `jobbers dev` keeps up. */
export interface Supervised extends Serving {
  readonly files: readonly string[];
  /** Under `--json`: what tasks write goes to standard error. */
  readonly json: boolean;
  readonly note: (line: string) => void;
  /** Called whenever a child serves. */
  readonly onServing: (child: Extract<FromChild, { type: "serving" }>, names: readonly string[]) => void;
}

/** Keeps a child at work with the newest code that loads. */
export interface Supervisor {
  /** Rejects when the first child cannot serve: nothing would get better by waiting. */
  readonly failed: Promise<never>;
  /** Ends all; what runs has so long to finish. May be called again with less. */
  stop(graceMs: number): Promise<void>;
}

/** How long what runs has at a restart. */
const RESTART_MS = 2_000;

/** How much longer than its grace time a child may take, before it is killed: a handler that blocks never lets it end. */
const OVERDUE_MS = 3_000;

const childFile = fileURLToPath(new URL("./child.js", import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  names: readonly string[];
  send(message: ToChild): void;
}

/** Starts the first child, and another one whenever a file that the last one loaded has changed. */
export function startSupervisor(supervised: Supervised): Supervisor {
  const { files, store, blobs, host, concurrency, json, note, onServing } = supervised;
  let { port } = supervised;
  /** The child that serves; the one that has loaded and waits for it to end; and the one that loads. */
  let current: Child | undefined;
  let heir: Child | undefined;
  let next: Child | undefined;
  let isStopping = false;
  let hasServed = false;
  let giveUp: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  failed.catch(() => undefined);

  const shown = (file: string) => relative(process.cwd(), file) || file;
  const watch = createFileWatch((changed) => {
    const [first, ...more] = changed.map(shown);
    start(`${first}${more.length > 0 ? ` and ${more.length} more` : ""}`);
  });

  function start(why?: string): void {
    if (isStopping) return;
    next?.process.kill("SIGKILL");
    const startedMs = Date.now();
    const child = spawnChild(json, (message) => void hear(child, message, startedMs, why));
    next = child;
    void child.ended.then(() => {
      if (next === child) next = undefined;
      if (heir === child) heir = undefined;
      if (current !== child) return;
      current = undefined;
      if (!isStopping && !next && !heir) note("the process ended by itself; save a file to start it again");
    });
    child.send({ type: "load", files });
  }

  async function hear(child: Child, message: FromChild, startedMs: number, why?: string): Promise<void> {
    if (message.type === "loaded" || message.type === "refused") {
      watch.add(message.files, startedMs);
      if (child === next) watch.beCurious(message.type === "refused");
    }
    if (isStopping || ![next, heir, current].includes(child)) return;
    if (message.type === "refused") {
      const meanwhile = current || heir ? "the code before it goes on" : "nothing runs";
      note(`${message.message}\n  ${meanwhile}; the next save tries again`);
    } else if (message.type === "loaded") {
      child.names = message.names;
      // Newer code takes the place of code that has not served yet; code that does not load takes nobody's.
      heir?.process.kill("SIGKILL");
      [heir, next] = [child, undefined];
      if (current) {
        note(`${why ?? "a file"} changed: what runs has ${RESTART_MS / 1_000} s to finish`);
        await end(current, RESTART_MS);
      }
      if (isStopping || child !== heir) return;
      [current, heir] = [child, undefined];
      child.send({ type: "serve", store, blobs, host, port, concurrency });
    } else if (message.type === "serving") {
      port = message.port;
      hasServed = true;
      if (why !== undefined) note(`restarted because ${why} changed`);
      onServing(message, child.names);
    } else {
      const code = (message.code ?? "internal") as ErrorCode;
      if (!hasServed) giveUp(new JobbersError(code, message.message));
      else note(message.message);
    }
  }

  start();
  return {
    failed,
    async stop(graceMs) {
      isStopping = true;
      watch.close();
      for (const child of [next, heir]) child?.process.kill("SIGKILL");
      await Promise.all([next?.ended, heir?.ended, current && end(current, graceMs)]);
    },
  };
}

/** Asks a child to end, and sees to it that it does; asked again, the child gives back what it has. */
async function end(child: Child, graceMs: number): Promise<void> {
  child.send({ type: "stop", graceMs });
  const timer = setTimeout(() => child.process.kill("SIGKILL"), graceMs + OVERDUE_MS);
  await child.ended;
  clearTimeout(timer);
}

function spawnChild(json: boolean, hear: (message: FromChild) => void): Child {
  const child = fork(childFile, [], {
    execArgv: [],
    stdio: ["ignore", json ? 2 : "inherit", "inherit", "ipc"],
  });
  child.on("message", hear);
  // A channel that is cut while something is sent: the child has ended, which is told apart from this.
  child.on("error", () => undefined);
  return {
    process: child,
    names: [],
    ended: new Promise((resolve) => child.once("exit", () => resolve())),
    send: (message) => void (child.connected && child.send(message, () => undefined)),
  };
}
