import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Redis of this test's own. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Ends it at once, as a crash would, and starts it again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const READY = /Ready to accept connections/;
const START_MS = 15_000;

/**
 * Starts a `redis-server` from PATH on a free port with a directory of its own, without persistence unless the arguments say
 * otherwise.
 */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), "jobbers-redis-"));
  const port = await freePort();
  const launch = () =>
    launchServer([
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      directory,
      "--save",
      "",
      "--appendonly",
      "no",
      ...args,
    ]);
  let child = await launch();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid as number;
    },
    async restart() {
      await end(child, "SIGKILL");
      child = await launch();
    },
    async stop() {
      await end(child, "SIGTERM");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function launchServer(args: readonly string[]): Promise<ChildProcess> {
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

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
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
