import type { EventRecord, Store } from "@jobbers/core";

/** A promise that a test settles by hand. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/**
 * Makes a promise that is settled from outside.
 *
 * @example
 * const started = deferred<string>();
 * handlers.fetch = () => started.resolve("yes");
 * await started.promise;
 */
export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Lets `turns` rounds of the event loop pass, so that everything that is ready to go on has gone on. */
export async function turns(count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * Waits until a condition holds, looking again whenever the store's feed has grown: no polling, no sleep.
 *
 * @param signal ends the wait with its reason; a test's own `signal` does
 * @example
 * await until(store, async () => (await store.getRun(id))?.state === "succeeded", signal);
 */
export async function until(
  store: Pick<Store, "awaitEvents" | "readEvents" | "lastEvent">,
  condition: (fresh: readonly EventRecord[]) => boolean | Promise<boolean>,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  let cursor = await store.lastEvent();
  let fresh: readonly EventRecord[] = [];
  while (!(await condition(fresh))) {
    signal.throwIfAborted();
    // The feed is a hint: should an event be missed, the short wait makes the condition be looked at again.
    await store.awaitEvents(cursor, { timeoutMs: 1_000, signal });
    ({ events: fresh, cursor } = await store.readEvents(cursor, 500));
  }
}
