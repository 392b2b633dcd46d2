import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endServer, freePort, launchServer } from "@jobbers/testing/redis";

export { freePort };

/** A Redis of this test's own. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Both of them. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a `redis-server` from PATH on a free port with a directory of its own, without persistence unless the arguments say
 * otherwise.
 */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "jobbers-redis-"));
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const launch = () => launchServer([...place, "--save", "", "--appendonly", "no", ...args]);
  let child = await launch();
  const kill = () => endServer(child, "SIGKILL");
  const start = async () => {
    child = await launch();
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid as number;
    },
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    async stop() {
      await endServer(child, "SIGTERM");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
