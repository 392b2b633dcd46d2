import { setTimeout as sleep } from "node:timers/promises";

const WITHIN_MS = 30_000;
const REST_MS = 200;

/**
 * Tries on until something succeeds, as a supervisor would restart a process that cannot start.
 *
 * Connecting fails at once while Redis is away; a worker's start is given up after 5 s, which a stopped process that holds SQLite's
 * lock can make last longer.
 */
export async function persistently<T>(what: string, act: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + WITHIN_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      console.error(`${what} did not succeed: ${String(error)}`);
      if (Date.now() > deadline) throw error;
      await sleep(REST_MS);
    }
  }
}
