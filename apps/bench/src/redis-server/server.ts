import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ask } from "./ask.js";
import { freePort } from "./free-port.js";

/** When the append-only file is synced, if there is one. */
export type Aof = "no" | "everysec" | "always";

/** What a Redis server of the bench's own is to be. */
export interface ServerChoice {
  readonly aof: Aof;
  /** Its data and its log go there, and stay when it has ended; it is made where it is missing. */
  readonly dir: string;
}

/** A Redis server of the bench's own, which ends at the latest with this process. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Its version and what it persists, for reports. */
  readonly what: string;
  /** Sends one command on a connection of its own; answers the raw reply, rejects when there is none in time. */
  command(...words: readonly string[]): Promise<string>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it on the same data and port, and waits until it has loaded them. */
  start(): Promise<void>;
}

const START_MS = 20_000;

/** Kills the server as soon as its own input ends, which it also does when the process that holds the other end dies. */
const GUARD = '"$@" & server=$!; cat > /dev/null; kill -KILL "$server"; wait "$server"';

/**
 * Starts a `redis-server` from PATH on a free port; disposing it ends it.
 *
 * @throws Error when there is none, or it does not answer
 */
export async function startRedisServer(choice: ServerChoice): Promise<RedisServer> {
  const version = await installedVersion();
  const { aof } = choice;
  await mkdir(choice.dir, { recursive: true });
  // As the server will name it.
  const dir = await realpath(choice.dir);
  const port = await freePort();
  const log = join(dir, "redis.log");
  const args = [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--logfile", log, "--save", ""],
    ...(aof === "no" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", aof]),
  ];
  let guard: ChildProcess | undefined;
  const kill = async () => {
    if (!guard || guard.exitCode !== null) return;
    const over = once(guard, "exit");
    guard.stdin?.end();
    await over;
  };
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
    what: `Redis ${version}, ${aof === "no" ? "no persistence" : `AOF ${aof}`}`,
    command: (...words) => ask(port, words),
    kill,
    async start() {
      guard = spawn("sh", ["-c", GUARD, "sh", "redis-server", ...args], {
        stdio: ["pipe", "ignore", "ignore"],
      });
      const deadline = Date.now() + START_MS;
      while (!(await answers(port, dir))) {
        if (Date.now() > deadline) throw new Error(`redis-server does not answer; see ${log}`);
        await sleep(20);
      }
    },
    [Symbol.asyncDispose]: kill,
  };
  try {
    await server.start();
  } catch (error) {
    await kill();
    throw error;
  }
  return server;
}

async function installedVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("redis-server", ["--version"]);
    return /v=(\S+)/.exec(stdout)?.[1] ?? "of unknown version";
  } catch (cause) {
    throw new Error("no redis-server in PATH (Debian: apt-get install redis-server)", { cause });
  }
}

/** True when it has loaded its data, and is ours: somebody else may have taken the port first. */
async function answers(port: number, dir: string): Promise<boolean> {
  try {
    if (!(await ask(port, ["PING"])).startsWith("+PONG")) return false;
    return (await ask(port, ["CONFIG", "GET", "dir"])).includes(dir);
  } catch {
    return false;
  }
}
