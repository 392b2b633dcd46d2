import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How a child ended. */
export interface Ending {
  readonly at: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of this bench's own, from its fork to its end. */
export interface Child<Command, News> {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Undefined while it lives. */
  ending(): Ending | undefined;
  send(command: Command): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it says so; rejects when it ends before, with what it wrote, or when it takes too long. */
  until(type: News extends { readonly type: infer T } ? T : never, ms: number): Promise<void>;
}

/** Where a child's program is, and where its words go. */
export interface ChildPlace {
  /** The compiled module's name, in this folder. */
  readonly program: string;
  readonly orders: unknown;
  /** Takes what it writes to stderr and stdout. */
  readonly log: string;
}

/** Forks a compiled program of this folder. It ends by itself when this process does. */
export function startChild<Command extends object, News extends { readonly type: string }>(
  place: ChildPlace,
): Child<Command, News> {
  const child = forkInto(place);
  let over: Ending | undefined;
  const ended = new Promise<Ending>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      over ??= { at: Date.now(), code, signal };
      resolve(over);
    };
    child.once("exit", end);
    child.once("error", () => end(null, null));
  });
  return {
    pid: child.pid ?? -1,
    ended,
    ending: () => over,
    send(command) {
      // A child may be dying at this very moment; that is no error here.
      if (child.connected) child.send(command, () => {});
    },
    kill(signal) {
      if (!over) child.kill(signal);
    },
    until(type, ms) {
      return new Promise((resolve, reject) => {
        const fail = (why: string) => {
          settle();
          reject(new Error(`${place.program} ${why}:\n${tailOf(place.log)}`));
        };
        const timer = setTimeout(() => fail(`did not say "${type}" within ${ms} ms`), ms);
        const hear = (news: unknown) => {
          if ((news as News).type !== type) return;
          settle();
          resolve();
        };
        const onExit = () => fail("ended");
        const settle = () => {
          clearTimeout(timer);
          child.off("message", hear).off("exit", onExit);
        };
        child.on("message", hear).once("exit", onExit);
        if (over) onExit();
      });
    },
  };
}

/** The last lines of a log. */
export function tailOf(log: string): string {
  return readFileSync(log, "utf8").slice(-2_000);
}

function forkInto({ program, orders, log }: ChildPlace): ChildProcess {
  const output = openSync(log, "a");
  try {
    const module = fileURLToPath(new URL(`./${program}`, import.meta.url));
    return fork(module, [JSON.stringify(orders)], { stdio: ["ignore", output, output, "ipc"] });
  } finally {
    closeSync(output);
  }
}
