/** A source of numbers from 0 up to, not including, 1, always the same for one seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Hands out all of some things in a random order before any of them comes again. */
export interface Bag<T> {
  /** One of those that will do; undefined where there is none. */
  draw(willDo: (thing: T) => boolean): T | undefined;
  /** One that was of no use comes again at once. */
  putBack(thing: T): void;
}

export function createBag<T>(things: readonly T[], random: () => number): Bag<T> {
  let left: T[] = [];
  return {
    draw(willDo) {
      if (!left.some(willDo)) left = [...things];
      const fit = left.filter(willDo);
      const thing = fit[Math.floor(random() * fit.length)];
      left = left.filter((each) => each !== thing);
      return thing;
    },
    putBack: (thing) => void left.push(thing),
  };
}
