import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

const READY = /Ready to accept connections|\+monitor master/;
const START_MS = 15_000;

/** Starts the `redis-server` from PATH, and waits until it takes connections. */
export function launchServer(args: readonly string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const timer = setTimeout(() => fail("did not become ready"), START_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`redis-server ${why}:\n${output}`));
    };
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const missing =
        "these tests need a redis-server in PATH: apt-get install redis-server, or brew install redis";
      reject(error.code === "ENOENT" ? new Error(missing) : error);
    });
    child.on("exit", () => fail("ended"));
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
      if (!READY.test(output)) return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      child.stdout?.removeAllListeners("data").resume();
      resolve(child);
    });
    child.stderr?.on("data", (data: Buffer) => {
      output += data.toString();
    });
  });
}

/** Ends a process that was launched here. */
export function endServer(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
