/** Waits; rejects with the signal's reason when that aborts before. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** The first pause of a row of tries, and the longest, in milliseconds. */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** The longest that a server's own wish is followed: an hour; beyond 24.8 days a timer would fire at once. */
const LONGEST_ASKED_MS = 3_600_000;

/**
 * How long to wait before the next try: doubled from one to the next, half of it at random, so that clients which failed
 * together do not come back together; and no sooner than the server asked for, up to an hour.
 *
 * @param failures how many tries have failed so far, from 1
 */
export function backoffMs(failures: number, retryAfterMs = 0): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  const jittered = most * (0.5 + Math.random() / 2);
  return retryAfterMs > 0 ? Math.min(retryAfterMs, LONGEST_ASKED_MS) + jittered / 2 : jittered;
}
