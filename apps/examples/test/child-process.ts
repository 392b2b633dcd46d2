import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";

/** A process of a test, and all that it has written. */
export interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
  /** Resolves when it has said that, before or later. */
  until(pattern: RegExp): Promise<void>;
}

/** Starts a program of Node.js, which ends with the test; `settings` are added to its environment. */
export function start(args: readonly string[], cwd: string, settings: NodeJS.ProcessEnv = {}): Process {
  const env = { ...process.env, INIT_CWD: cwd, ...settings };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const hear = (text: string) => {
    said += text;
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const until = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => void (pattern.test(said) && resolve());
      for (const stream of [child.stdout, child.stderr]) stream.on("data", look);
      child.once("close", () => reject(new Error(`it ended without saying ${pattern}:\n${said}`)));
      look();
    });
  return { child, ended, until, said: () => said };
}
