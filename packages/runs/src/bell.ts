/** Lets one waiter sleep until something may have happened; a ring while nobody sleeps is remembered. */
export interface Bell {
  ring(): void;
  /** Ends this and every later sleep with an error. */
  break(error: unknown): void;
  /** Sleeps until the next ring, or not at all when it rang since the last sleep; rejects with the signal's reason. */
  sleep(signal?: AbortSignal): Promise<void>;
}

/** Makes a bell for one waiter. */
export function createBell(): Bell {
  let rung = false;
  let broken: { error: unknown } | undefined;
  let wake = () => {};

  const untilWoken = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve) => {
      wake = () => {
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      signal?.addEventListener("abort", wake);
    });

  return {
    ring() {
      rung = true;
      wake();
    },
    break(error) {
      broken ??= { error };
      wake();
    },
    async sleep(signal) {
      if (!rung && !broken && !signal?.aborted) await untilWoken(signal);
      signal?.throwIfAborted();
      if (broken) throw broken.error;
      rung = false;
    },
  };
}
