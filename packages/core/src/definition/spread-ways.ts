import { hash32 } from "../values/draws.js";
import type { SpreadContext } from "./spread.js";

/** The golden ratio less 1: its multiples, without their whole parts, lie more evenly than those of any other number. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

type Way = (context: SpreadContext<unknown>) => string;

function inTurn({ index, queues, seed }: SpreadContext<unknown>): string {
  return queues[((seed % queues.length) + index) % queues.length] as string;
}

function atRandom({ queues, draw }: SpreadContext<unknown>): string {
  return queues[Math.floor(draw() * queues.length)] as string;
}

/** The power of two choices: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001. */
function lighterOfTwo({ queues, draw, depth }: SpreadContext<unknown>): string {
  const first = Math.floor(draw() * queues.length);
  if (queues.length === 1) return queues[first] as string;
  const other = (first + 1 + Math.floor(draw() * (queues.length - 1))) % queues.length;
  const [one, two] = [queues[first] as string, queues[other] as string];
  return depth(two) < depth(one) ? two : one;
}

/** Each element has its point on the line from 0 to 1, and each queue a part of that line as long as its weight. */
function byWeight({ index, queues, weights, seed }: SpreadContext<unknown>): string {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = ((seed / 2 ** 32 + index * GOLDEN) % 1) * total;
  for (let at = 0; at < queues.length; at++) {
    left -= weights[at] as number;
    if (left < 0) return queues[at] as string;
  }
  // Rounding may leave nothing of the line's very end.
  return queues[weights.findLastIndex((weight) => weight > 0)] as string;
}

/** The ways that need nothing but data, by the name of their spread: any worker knows them. */
export const ways: Readonly<Record<string, Way>> = Object.freeze({
  "round-robin": inTurn,
  random: atRandom,
  "least-loaded": lighterOfTwo,
  weighted: byWeight,
});

/**
 * Of some queues the one in which a key belongs: that with the highest hash of key and queue. So each key keeps its queue unless
 * that is taken away, or an added one is higher: Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM
 * Transactions on Networking 6(1), 1998 (rendezvous, or highest random weight).
 */
export function rendezvous(key: string, queues: readonly string[]): string {
  let best = "";
  let highest = -1;
  for (const queue of queues) {
    const height = hash32(`${key}\u0000${queue}`);
    // Between equals the name decides, so that the order in which the queues are listed does not.
    if (height > highest || (height === highest && queue < best)) {
      best = queue;
      highest = height;
    }
  }
  return best;
}
