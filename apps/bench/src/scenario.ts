/** One measured figure of a scenario. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "steps/s" | "runs/s" | "requests/s" | "commands/s" | "ms" | "MiB" | "bytes" | "ratio" | "%";
  /** What the project aims at, where it does: at least so much, or at most so much. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number } | undefined;
}

/** Something to measure in a place: the folder of a database file, or a server. It leaves nothing running. */
export interface Scenario<Place = string> {
  readonly name: string;
  /** One sentence: what is done, with what settings. */
  readonly what: string;
  measure(place: Place, scale: number): Promise<Figure[]>;
}

/** The scenarios of one store, and where they run; disposing it ends whatever it started. */
export interface Suite extends AsyncDisposable {
  /** The store and how it is set. */
  readonly store: string;
  /** The scenarios, each with a fresh place of its own for every round. */
  readonly scenarios: readonly {
    readonly name: string;
    readonly what: string;
    measure(scale: number): Promise<Figure[]>;
  }[];
}

/** Milliseconds that an action took, by the monotonic clock. */
export async function timeMs(action: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await action();
  return performance.now() - from;
}

/** The p-th percentile (0 to 100) of samples, by the nearest rank. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** Rejects when a promise takes longer than that, so that a bench that hangs ends by itself. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
