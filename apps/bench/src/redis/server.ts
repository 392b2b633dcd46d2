import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Aof } from "../flags.js";

/** A Redis server of the bench's own. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Its version and settings, for the report. */
  readonly what: string;
}

/** How long it may take to come up, or to go, in milliseconds. */
const PATIENCE_MS = 10_000;

/** Starts `redis-server` from PATH on a free port, with its files in a temporary directory; disposing it ends it. */
export async function startServer({
  aof,
  dir,
}: {
  readonly aof: Aof;
  readonly dir: string;
}): Promise<Server> {
  const folder = await mkdtemp(join(dir, "jobbers-bench-redis-"));
  const port = await freePort();
  const persistence = aof === "no" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", aof];
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...persistence];
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  // Also where this process ends by an error that nobody caught.
  const onExit = () => server.kill("SIGKILL");
  process.once("exit", onExit);
  const stop = async () => {
    await end(server);
    process.off("exit", onExit);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(server);
    const { stdout } = await promisify(execFile)("redis-server", ["--version"]);
    const version = /v=(\S+)/.exec(stdout)?.[1] ?? "of unknown version";
    return {
      port,
      url: `redis://127.0.0.1:${port}`,
      what: `Redis ${version}, ${aof === "no" ? "no persistence" : `AOF ${aof}`}`,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(server: ChildProcess): Promise<void> {
  const said = new Promise<void>((resolve, reject) => {
    let text = "";
    server.stdout?.on("data", (chunk: Buffer) => {
      text = (text + chunk).slice(-10_000);
      if (text.includes("Ready to accept connections")) resolve();
    });
    server.once("error", (error) => reject(new Error(`no redis-server in PATH: ${error.message}`)));
    server.once("exit", () => reject(new Error(`redis-server ended at once:\n${text}`)));
    setTimeout(() => reject(new Error(`redis-server did not come up:\n${text}`)), PATIENCE_MS).unref();
  });
  await said;
}

/** Ends a process that was started here: asks, and kills it when it does not go. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await gone;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address && typeof address === "object") return address.port;
  throw new Error("there is no free port");
}
