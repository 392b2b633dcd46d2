/** How wide the map is. */
export const CHILDREN = 20;

const MODULUS = 1_000_003;

/** A value that follows from another, so that a wrong one is seen at the end of a chain. */
export function mix(v: number): number {
  return (v * 31 + 7) % MODULUS;
}

/** What the map is over. */
export function itemsOf(n: number): readonly number[] {
  return Array.from({ length: CHILDREN }, (_, i) => (n + i * i) % MODULUS);
}

export function sum(parts: readonly number[]): number {
  return parts.reduce((all, part) => (all + part) % MODULUS, 0);
}
