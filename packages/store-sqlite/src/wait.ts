/** The longest wait that a timer of Node.js can take. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** Stands among the waiters until it is woken up, the time is over or the signal aborts. */
export function wait<W extends { readonly wake: () => void }>(
  waiters: Set<W>,
  who: Omit<W, "wake">,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      waiters.delete(waiter);
      resolve();
    };
    const waiter = { ...who, wake } as W;
    const timer = setTimeout(wake, Math.min(Math.max(timeoutMs, 0), MAX_WAIT_MS));
    signal.addEventListener("abort", wake, { once: true });
    waiters.add(waiter);
  });
}
