export const QUOTE = 34;
const BACKSLASH = 92;
const MINUS = 45;
const [ZERO, NINE] = [48, 57];
export const [OPEN_LIST, CLOSE_LIST] = [91, 93];
export const [OPEN_OBJECT, CLOSE_OBJECT] = [123, 125];

/** Whole numbers of fewer digits are exact in any case. */
const MAX_SAFE_DIGITS = 15;

/**
 * Looks over JSON text before it is parsed: answers what is wrong with its depth or with its whole numbers, in words, and
 * nothing when that is right (the text may still be no JSON). One pass, whatever the text.
 */
export function scanJson(text: string, maxDepth: number): string | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > maxDepth) return `is nested deeper than ${maxDepth} levels (at character ${i + 1})`;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      depth--;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const end = endOfNumber(text, i);
      if (end - i > MAX_SAFE_DIGITS && isRounded(text, i, end)) {
        return `holds a whole number that would be rounded (at character ${i + 1}); write it as text`;
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** Where the string that begins at `start` ends: at its closing quote, or with the text. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isNumberPart(text.charCodeAt(end))) end++;
  return end;
}

/** Digits and `.`, `e`, `E`, `+`, `-`. */
function isNumberPart(code: number): boolean {
  return (
    (code >= ZERO && code <= NINE) ||
    code === 46 ||
    code === 101 ||
    code === 69 ||
    code === 43 ||
    code === MINUS
  );
}

function isRounded(text: string, start: number, end: number): boolean {
  const token = text.slice(start, end);
  if (!/^-?[1-9]\d*$/.test(token)) return false;
  const parsed = Number(token);
  // JavaScript itself writes large numbers with zeros for the digits that do not matter: what it would write again is fine.
  return Number.isFinite(parsed) && String(parsed) !== token && BigInt(token) !== BigInt(parsed);
}
