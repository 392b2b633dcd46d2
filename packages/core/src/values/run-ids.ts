import { randomFillSync } from "node:crypto";

/**
 * A source of run ids that only grow, even within a millisecond and when the clock goes back.
 *
 * @param now answers milliseconds since 1970
 * @param draw answers random numbers of ten bits
 * @example
 * const nextId = createRunIds(() => clock.now());
 */
export function createRunIds(now: () => number, draw: () => number = randomBits()): () => string {
  let timeMs = 0;
  // Of the 80 bits behind the time: 40 that stay as they were drawn for it, 30 and 10 that count up from there.
  let drawn = "";
  let middle = 0;
  let last = PAIRS.length;
  // All but the last two characters: a thousand ids in a row have them in common.
  let head = "";
  const begin = (atMs: number) => {
    timeMs = atMs;
    drawn = timeText(atMs) + pair(draw()) + pair(draw()) + pair(draw()) + pair(draw());
    middle = draw() * 2 ** 20 + draw() * 2 ** 10 + draw();
    head = drawn + pairs(middle);
    last = draw();
  };
  const carry = () => {
    middle++;
    last = 0;
    // Once in a thousand million times, one has to borrow from the next millisecond.
    if (middle === 2 ** 30) begin(timeMs + 1);
    else head = drawn + pairs(middle);
  };
  return () => {
    const atMs = Math.max(1, Math.floor(now()));
    if (atMs > timeMs) begin(atMs);
    else if (++last === PAIRS.length) carry();
    return head + pair(last);
  };
}

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Ten bits as two characters. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, n) => DIGITS.charAt(n >> 5) + DIGITS.charAt(n & 31),
);

function pair(bits: number): string {
  return PAIRS[bits] as string;
}

/** 30 bits. */
function pairs(bits: number): string {
  return pair(bits >>> 20) + pair((bits >>> 10) & 1023) + pair(bits & 1023);
}

/** The ten characters of a time; the first two bits are never set. */
function timeText(ms: number): string {
  const high = Math.floor(ms / 2 ** 30);
  return pair(high >>> 10) + pair(high & 1023) + pairs(ms % 2 ** 30);
}

/** Random numbers of ten bits. Drawn one by one, an id's would cost 0.1 ms. */
function randomBits(): () => number {
  const drawn = new Uint16Array(512);
  let used = drawn.length;
  return () => {
    if (used === drawn.length) {
      randomFillSync(drawn);
      used = 0;
    }
    return (drawn[used++] as number) & 1023;
  };
}
