// Two texts are the same licence when their words are, whatever the layout, the bullets and who holds the copyright;
// this follows the SPDX matching guidelines as far as they concern words. A text is then a bag of word pairs: sorted
// numbers, so that comparing two texts is one walk over both.

/** The pairs of neighbouring words of a text, hashed and sorted; equal pairs are kept. */
export type WordPairs = Uint32Array;

const COPYRIGHT_LINE =
  /^[^\p{L}\n(©]*(?:portions |parts )?(?:copyright|copr\.?|©|\(c\))[ \t]*(?:\(c\)|©|&copy;|[:,]|by\b|\d{4}|<|\[|\{|\$|-)[^\n]*$/gimu;

/** The word pairs of a licence text, without copyright lines, bullets, placeholders and markup. */
export function wordPairs(text: string): WordPairs {
  const words = licenceWords(text);
  const pairs = new Uint32Array(Math.max(words.length - 1, 0));
  for (let i = 0; i < pairs.length; i++) pairs[i] = pairHash(words[i] ?? "", words[i + 1] ?? "");
  return pairs.sort();
}

/** How alike two texts are, from 0 to 1: Dice's coefficient over their word pairs. */
export function similarity(a: WordPairs, b: WordPairs): number {
  return a.length + b.length === 0 ? 0 : (2 * sharedPairs(a, b)) / (a.length + b.length);
}

/** The most that {@link similarity} can be for texts of these lengths. */
export function similarityBound(a: number, b: number): number {
  return a + b === 0 ? 0 : (2 * Math.min(a, b)) / (a + b);
}

function licenceWords(text: string): string[] {
  const plain = text
    .replace(/\r\n?/g, "\n")
    .replace(COPYRIGHT_LINE, " ")
    .toLowerCase()
    .replace(/<[^>\n]{0,80}>/g, " ")
    .replace(/^[\s>|/;#*+•-]*\(?[a-z0-9]{1,2}[.)]\s+/gm, " ")
    .replace(/licence/g, "license")
    .replace(/all rights reserved\.?/g, " ")
    .replace(/non-infringement/g, "noninfringement")
    .replace(/sub-licen/g, "sublicen")
    .replace(/https:/g, "http:");
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** FNV-1a over both words. */
function pairHash(first: string, second: string): number {
  let hash = 0x811c9dc5;
  for (const word of [first, second]) {
    for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x20, 0x01000193);
  }
  return hash >>> 0;
}

function sharedPairs(a: WordPairs, b: WordPairs): number {
  let [i, j, shared] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i] as number, b[j] as number];
    if (left === right) shared++;
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return shared;
}
