import type { LicenceTemplate } from "./licence-templates.js";
import { similarity, similarityBound, type WordPairs, wordPairs } from "./licence-words.js";

/** The licences whose texts a file contains. */
export interface TextMatch {
  /** One list of ids for each text: what shares a text cannot be told apart by it. */
  readonly licences: readonly (readonly string[])[];
  /** Whether the file is that one licence and little else. */
  readonly whole: boolean;
}

// A text that is 90 % the same is that licence with names filled in; different licences of one family differ by more.
const ALIKE = 0.9;
// Inside a longer file nearly all of a licence must be there, since word pairs are compared without their order.
const CONTAINED = 0.95;
// Shorter texts are found in any long file by chance.
const SHORTEST_PART = 60;
const MOST_PARTS = 12;

/** Recognises the licences in a text: as a whole, or as parts of a file that carries several. */
export function matchLicenceText(text: string, templates: readonly LicenceTemplate[]): TextMatch {
  const tag = /SPDX-License-Identifier:[ \t]*([\w.+-]+)[ \t]*$/m.exec(text)?.[1];
  const pairs = wordPairs(text);
  const found: LicenceTemplate[] = [];
  const whole = mostAlike(pairs, templates);
  if (whole !== undefined) found.push(whole);
  const rest = new Remainder(pairs);
  for (let part = whole; found.length <= MOST_PARTS; ) {
    if (part !== undefined) rest.remove(part.pairs);
    part = rest.largestPart(templates);
    if (part === undefined) break;
    if (!found.includes(part)) found.push(part);
  }
  if (found.length === 0 && tag !== undefined) return { licences: [[tag]], whole: true };
  return { licences: found.map(({ ids }) => ids), whole: found.length === 1 && whole !== undefined };
}

function mostAlike(pairs: WordPairs, templates: readonly LicenceTemplate[]): LicenceTemplate | undefined {
  let [best, bestScore]: [LicenceTemplate | undefined, number] = [undefined, ALIKE];
  for (const template of templates) {
    if (similarityBound(pairs.length, template.pairs.length) < bestScore) continue;
    const score = similarity(pairs, template.pairs);
    // Only a better score counts, so a tie goes to the id that sorts first.
    if (score > bestScore) [best, bestScore] = [template, score];
  }
  return best;
}

/** The word pairs of a file that no licence found so far accounts for. */
class Remainder {
  readonly #counts = new Map<number, number>();
  #length = 0;

  constructor(pairs: WordPairs) {
    for (const pair of pairs) this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + 1);
    this.#length = pairs.length;
  }

  remove(pairs: WordPairs): void {
    for (const pair of pairs) {
      const count = this.#counts.get(pair) ?? 0;
      if (count === 0) continue;
      this.#counts.set(pair, count - 1);
      this.#length--;
    }
  }

  /** The licence that accounts for most of what is left, if any is contained in it. */
  largestPart(templates: readonly LicenceTemplate[]): LicenceTemplate | undefined {
    let [best, bestWeight]: [LicenceTemplate | undefined, number] = [undefined, 0];
    for (const template of templates) {
      const { length } = template.pairs;
      if (length < SHORTEST_PART || length * CONTAINED > this.#length) continue;
      const missing = this.#missing(template.pairs, length * (1 - CONTAINED));
      if (missing > length * (1 - CONTAINED)) continue;
      // What it accounts for, less what it lacks: else a licence that adds a sentence to another one would win.
      const weight = length - 2 * missing;
      if (weight > bestWeight) [best, bestWeight] = [template, weight];
    }
    return best;
  }

  /** How many of the pairs are not there; gives up when there are more than `limit`. */
  #missing(pairs: WordPairs, limit: number): number {
    let [missing, run] = [0, 0];
    for (let i = 0; i < pairs.length && missing <= limit; i++) {
      // Pairs are sorted, so equal ones follow each other: the nth asks for n of them.
      run = i > 0 && pairs[i] === pairs[i - 1] ? run + 1 : 1;
      if ((this.#counts.get(pairs[i] as number) ?? 0) < run) missing++;
    }
    return missing;
  }
}
