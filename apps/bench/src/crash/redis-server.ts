import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A Redis server of this bench's own, with an append-only file. */
export interface RedisServer {
  readonly port: number;
  /** Sends one command on a connection of its own; answers the raw reply, rejects when there is none in time. */
  command(...words: readonly string[]): Promise<string>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it on the same data and port, and waits until it has loaded them. */
  start(): Promise<void>;
}

const START_MS = 20_000;
const REPLY_MS = 5_000;

/** Kills the server as soon as its own input ends, which it also does when the process that holds the other end dies. */
const GUARD = '"$@" & server=$!; cat > /dev/null; kill -KILL "$server"; wait "$server"';

/**
 * Starts a `redis-server` from PATH on a free port.
 *
 * @throws Error when there is none, or it does not answer
 */
export async function startRedisServer(folder: string, appendfsync: string): Promise<RedisServer> {
  const dir = join(folder, "redis");
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const log = join(dir, "redis.log");
  const args = [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--logfile", log, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", appendfsync],
  ];
  let guard: ChildProcess | undefined;
  const server: RedisServer = {
    port,
    command: (...words) => ask(port, words),
    async kill() {
      if (!guard || guard.exitCode !== null) return;
      const over = once(guard, "exit");
      guard.stdin?.end();
      await over;
    },
    async start() {
      guard = spawn("sh", ["-c", GUARD, "sh", "redis-server", ...args], {
        stdio: ["pipe", "ignore", "ignore"],
      });
      const deadline = Date.now() + START_MS;
      while (!(await ask(port, ["PING"]).catch(() => "")).startsWith("+PONG")) {
        if (Date.now() > deadline) throw new Error(`redis-server does not answer; is it in PATH? See ${log}`);
        await sleep(20);
      }
    },
  };
  await server.start();
  return server;
}

/** One command over one connection, in the protocol's own words: no client that could repair anything behind our back. */
function ask(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1");
    const end = (act: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`no reply to ${words[0]}`))), REPLY_MS);
    socket.once("error", (error) => end(() => reject(error)));
    socket.once("close", () => end(() => reject(new Error("the connection was closed"))));
    socket.once("data", (data) => end(() => resolve(data.toString())));
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${parts.join("")}`);
  });
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
