import { startRedisServer } from "@jobbers/testing/redis";
import { onTestFinished } from "vitest";

/** Starts a Redis that keeps what it acknowledges, and ends with the test; resolves with its URL. */
export async function startRedis(): Promise<string> {
  const server = await startRedisServer("--appendonly", "yes");
  onTestFinished(() => server.stop());
  return server.url;
}
