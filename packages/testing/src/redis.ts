/**
 * For tests that need a real Redis: it starts the `redis-server` from PATH on a free port of this machine.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY = /Ready to accept connections|\+monitor master/;
const START_MS = 15_000;

/** A Redis of a test's own. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Ends it, and removes its directory. */
  stop(): Promise<void>;
}

/**
 * Starts a `redis-server` on a free port with a directory of its own, without persistence unless the arguments say otherwise.
 *
 * @throws Error when there is none in PATH, or it does not get ready
 * @example
 * const redis = await startRedisServer();
 * const store = await openRedisStore(redis.url);
 */
export async function startRedisServer(...args: string[]): Promise<RedisServer> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "jobbers-redis-"));
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const child = await launchServer([...place, "--save", "", "--appendonly", "no", ...args]);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      await endServer(child, "SIGTERM");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

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

/** A port that nobody has just now. */
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
