/** One measured figure of a scenario. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "steps/s" | "runs/s" | "ms" | "MiB" | "ratio";
  /** What the project aims at, where it does: at least so much, or at most so much. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number } | undefined;
}

/** Something to measure; it makes its own store in the folder given, and leaves nothing running. */
export interface Scenario {
  readonly name: string;
  /** One sentence: what is done, with what settings. */
  readonly what: string;
  measure(folder: string, scale: number): Promise<Figure[]>;
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
