/** A source of numbers from 0 up to, not including, 1. */
export type Draw = () => number;

/**
 * A 32-bit hash of a text's UTF-16 code units: FNV-1a (Fowler, Noll and Vo), then the finalizer of MurmurHash3 (Appleby), without
 * which texts that differ only in their last character would get hashes close to each other. Not for secrets.
 *
 * @example
 * hash32("crawl-a") === hash32("crawl-a"); // true, in every process
 */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h = Math.imul(h ^ (unit & 0xff), 0x01000193);
    h = Math.imul(h ^ (unit >>> 8), 0x01000193);
  }
  return mix(h);
}

/** A sequence of numbers that is the same for the same seed, of which 32 bits count: Mulberry32 (Ettinger). */
export function createDraws(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every bit of the answer depends on every bit of the number. */
export function mix(number: number): number {
  let h = number;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
