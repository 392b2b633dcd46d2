import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endServer, freePort, launchServer } from "@jobbers/testing/redis";
import { Redis } from "ioredis";

/** A Sentinel of this test's own, which alone decides. */
export interface Sentinel {
  readonly port: number;
  ask(verb: string, ...args: string[]): Promise<unknown>;
  kill(): Promise<void>;
  /** Starts it again after it was killed. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The name that Sentinels of tests know their master by. */
export const MASTER = "jobs";

/** Starts a Sentinel that is told a server to be the master. */
export async function startSentinel(masterPort: number, ...lines: string[]): Promise<Sentinel> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "jobbers-sentinel-"));
  const config = join(directory, "sentinel.conf");
  const said = lines.some((line) => line.startsWith("tls-port")) ? [] : [`port ${port}`];
  const monitor = `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 1`;
  const text = ["bind 127.0.0.1", `dir ${directory}`, ...said, monitor, ...lines].join("\n");
  writeFileSync(config, text.replaceAll("PORT", String(port)));
  const launch = () => launchServer([config, "--sentinel"]);
  let child = await launch();
  const kill = () => endServer(child, "SIGKILL");
  return {
    port,
    async ask(verb, ...args) {
      const client = new Redis(port, "127.0.0.1");
      try {
        return await client.call("SENTINEL", verb, ...args);
      } finally {
        client.disconnect();
      }
    },
    kill,
    async start() {
      child = await launch();
    },
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
