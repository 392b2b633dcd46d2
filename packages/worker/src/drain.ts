import { GaveUp, messageOf } from "./persistence.js";
import type { Pool } from "./pool.js";
import { pause, turn } from "./waiting.js";

/** How long the last reports may take, in milliseconds; what is not sent by then comes back when the lease ends. */
const FLUSH_MS = 5_000;

/** How long what runs in other threads, processes and programs may take to end when it is aborted, in milliseconds; then it is killed. */
const APART_MS = 1_000;

/** How long the last log lines may take, in milliseconds. */
const LOGS_MS = 1_000;

/**
 * The end of a worker's life:
 *
 *   take nothing new ──▶ wait for what runs ──▶ abort the rest ──▶ give it back ──▶ send the last reports ──▶ close the session
 *                        (grace time, or until                     (costs no try)                                │
 *                         `hurry` aborts)                                              wait for hooks ◀──────────┘
 *                                                                                      (what is left of the grace time)
 */
export async function drain(
  pool: Pool,
  graceMs: number,
  hurry: AbortSignal,
  close: (signal: AbortSignal) => Promise<void>,
): Promise<string | undefined> {
  pool.quiet();
  const grace = pause(graceMs, hurry);
  const trouble = await end(pool, grace, close);
  if (pool.hooks) await Promise.race([pool.hooks.whenIdle(), grace]);
  return trouble;
}

async function end(
  pool: Pool,
  grace: Promise<void>,
  close: (signal: AbortSignal) => Promise<void>,
): Promise<string | undefined> {
  if (!pool.ended) {
    await Promise.race([pool.ledger.whenEmpty(), grace]);
    pool.executor.abortAll("released", "the worker stops");
    // Handlers that heed their signal at once, and successes of this very moment, are still reported as such.
    await turn();
    await turn();
    // Better ended than given back while it still runs: the next worker may take it at once.
    await atMost(APART_MS, pool.runners.whenIdle());
    pool.executor.releaseAll();
    await atMost(FLUSH_MS, pool.ledger.whenEmpty());
    await atMost(LOGS_MS, pool.logs.settle());
  }
  const wasClosed = pool.ended;
  await pool.end();
  if (wasClosed) return undefined;
  return await atMost(
    FLUSH_MS,
    close(AbortSignal.timeout(FLUSH_MS))
      .catch((error: unknown) => messageOf(error instanceof GaveUp ? error.cause : error))
      .then((trouble) => trouble ?? undefined),
  );
}

/** Waits for something that may never happen. */
async function atMost<T>(ms: number, what: Promise<T>): Promise<T | undefined> {
  const enough = new AbortController();
  try {
    return await Promise.race([what, pause(ms, enough.signal).then(() => undefined)]);
  } finally {
    enough.abort();
  }
}
