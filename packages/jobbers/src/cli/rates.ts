/** Steps a second by name, over the last seconds. */
export interface Rates {
  /** Notes how many steps of each name have settled. */
  sample(nowMs: number, settled: Iterable<readonly [name: string, settled: number]>): void;
  /** The rate over the window; absent when nothing settled in it. */
  lately(name: string): number | undefined;
  /** The rate since the first sample. */
  overall(name: string): number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly settled: ReadonlyMap<string, number>;
}

/** Measures rates over a sliding window of the given length. */
export function createRates(windowMs = 5_000): Rates {
  const samples: Sample[] = [];
  let first: Sample | undefined;
  const between = (from: Sample | undefined, name: string) => {
    const to = samples.at(-1);
    if (!from || !to || to.atMs - from.atMs < 100) return undefined;
    const settled = (to.settled.get(name) ?? 0) - (from.settled.get(name) ?? 0);
    return settled > 0 ? (settled * 1000) / (to.atMs - from.atMs) : undefined;
  };
  return {
    sample(nowMs, settled) {
      const sample = { atMs: nowMs, settled: new Map(settled) };
      first ??= sample;
      samples.push(sample);
      while (samples.length > 2 && nowMs - (samples[0] as Sample).atMs > windowMs) samples.shift();
    },
    lately: (name) => between(samples[0], name),
    overall: (name) => between(first, name),
  };
}
