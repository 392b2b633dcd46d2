import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_MS = 15_000;

/** A Redis of a test file's own, without persistence. */
export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the `redis-server` from PATH on a free port. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "jobbers-api-redis-"));
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const child = await launch([...place, "--save", "", "--appendonly", "no"]);
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      await new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function launch(args: readonly string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`redis-server ${why}:\n${output}`));
    };
    const timer = setTimeout(() => fail("did not become ready"), START_MS);
    child.on("error", () => fail("is not in PATH: apt-get install redis-server, or brew install redis"));
    child.on("exit", () => fail("ended"));
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
      if (!output.includes("Ready to accept connections")) return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      child.stdout?.removeAllListeners("data").resume();
      resolve(child);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
