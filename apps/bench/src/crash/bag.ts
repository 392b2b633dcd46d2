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
