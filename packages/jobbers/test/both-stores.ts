import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { afterAll, beforeAll, describe } from "vitest";

/** Opens an empty store that reads its time from a clock, or goes by the real one. */
export type OpenStore = (clock?: () => number, options?: { eventsKept?: number }) => Promise<Store>;

/** Registers tests for a store in memory, and for one on a `redis-server` that this file starts and ends. */
export function onBothStores(tests: (open: OpenStore) => void): void {
  describe("sqlite", () =>
    tests((clock, options) => openSqliteStore("memory:", { clock, expireMemorySessions: true, ...options })));
  describe("redis", () => {
    let server: ChildProcess;
    let url = "";
    let namespaces = 0;
    const directory = mkdtempSync(join(tmpdir(), "jobbers-both-"));
    beforeAll(async () => {
      const port = await freePort();
      url = `redis://127.0.0.1:${port}`;
      server = await startRedis(port, directory);
    });
    afterAll(async () => {
      const over = once(server, "exit");
      server.kill("SIGKILL");
      await over;
      rmSync(directory, { recursive: true, force: true });
    });
    tests((clock, options) => openRedisStore(url, { namespace: `test-${++namespaces}`, clock, ...options }));
  });
}

async function startRedis(port: number, directory: string): Promise<ChildProcess> {
  const place = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory];
  const server = spawn("redis-server", [...place, "--save", "", "--appendonly", "no"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error("redis-server ended at once")));
    server.stdout?.on("data", (text: Buffer) => /Ready to accept connections/.test(`${text}`) && resolve());
  });
  return server;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
