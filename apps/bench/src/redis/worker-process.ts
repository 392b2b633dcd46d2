import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { within } from "../scenario.js";
import { endProcess } from "./end-process.js";
import type { Order, Told, Word } from "./protocol.js";

/** Which program a process runs. */
export type Program = "jobbers" | "bullmq" | "floor" | "ping" | "compute";

/** A worker, or whatever else must not share the event loop of who submits. */
export interface WorkerProcess extends AsyncDisposable {
  /** Makes it begin; resolves when it takes steps. */
  go(): Promise<void>;
  /** Resolves when it tells that; what it told before counts. */
  told<Type extends Told["type"]>(type: Type): Promise<Extract<Told, { type: Type }>>;
  /** Hears everything that it tells from now on. */
  hear(listener: (told: Told) => void): void;
  /** Asks it to end; resolves when it is gone. */
  stop(): Promise<void>;
}

/** The longest that a process may work at one thing, in milliseconds. */
const WORK_MS = 5 * 60_000;

const running = new Set<ChildProcess>();

/** Starts a process and waits until it is connected. */
export async function startProcess(program: Program, order: Order): Promise<WorkerProcess> {
  const entry = fileURLToPath(new URL(`./${program}-process.js`, import.meta.url));
  const child = fork(entry, [JSON.stringify(order)]);
  running.add(child);
  child.once("exit", () => running.delete(child));
  const all: Told[] = [];
  child.on("message", (told: Told) => {
    // What comes once per step is for listeners alone.
    if (told.type !== "started") all.push(told);
  });
  const says = (word: Word) => child.connected && child.send(word);

  const told = <Type extends Told["type"]>(type: Type) => {
    const matches = (each: Told): each is Extract<Told, { type: Type }> => each.type === type;
    const heard = new Promise<Extract<Told, { type: Type }>>((resolve, reject) => {
      const known = all.find(matches);
      if (known) return resolve(known);
      child.on("message", (each: Told) => matches(each) && resolve(each));
      child.once("exit", (code) => reject(new Error(`the ${program} process ended with ${code}`)));
    });
    return within(WORK_MS, `the ${program} process until "${type}"`, heard);
  };
  const stop = async () => {
    says("stop");
    const timer = setTimeout(() => void endProcess(child), 10_000);
    await new Promise<void>((resolve) =>
      running.has(child) ? child.once("exit", () => resolve()) : resolve(),
    );
    clearTimeout(timer);
  };

  await told("ready");
  return {
    told,
    stop,
    hear: (listener) => void child.on("message", listener),
    async go() {
      says("go");
      await told("working");
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Kills the processes that are left of those started here. */
export async function endProcesses(): Promise<void> {
  await Promise.all([...running].map((child) => endProcess(child, "SIGKILL")));
}
