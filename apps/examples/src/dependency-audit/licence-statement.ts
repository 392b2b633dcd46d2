import correct from "spdx-correct";
import parse from "spdx-expression-parse";
import { byCodeUnit } from "./order.js";

export type Expression = parse.Info;

/** What a package states about its licence, and how it reads as SPDX. */
export interface Statement {
  /** The words of package.json, as they stand. */
  readonly stated: string | null;
  /** The SPDX expression; null when the words are none, such as `UNLICENSED` or `SEE LICENSE IN x`. */
  readonly expression: string | null;
  /** Whether the expression is a reading of words that are not valid SPDX: `Apache 2` as `Apache-2.0`. */
  readonly corrected: boolean;
}

/** Reads a licence statement, mending what is nearly SPDX. */
export function readStatement(stated: string | null): Statement {
  const words = stated?.trim() ?? "";
  if (words === "") return { stated: null, expression: null, corrected: false };
  if (parseExpression(words) !== null) return { stated: words, expression: words, corrected: false };
  const expression = mend(words);
  return { stated: words, expression, corrected: expression !== null };
}

/** The parsed expression, or null when it is not SPDX. */
export function parseExpression(expression: string): Expression | null {
  try {
    return parse(expression);
  } catch {
    return null;
  }
}

/** The licence ids that an expression names, without exceptions, each once, sorted. */
export function licencesIn(expression: string | null): string[] {
  const parsed = expression === null ? null : parseExpression(expression);
  return parsed === null ? [] : [...new Set(leaves(parsed))].sort(byCodeUnit);
}

/**
 * The licence that ids stand for when the question is only which text belongs to them:
 * `GPL-2.0-only`, `GPL-2.0-or-later` and `GPL-2.0` share one text.
 */
export function textOf(id: string): string {
  return id.replace(/(?:-only|-or-later|\+)$/, "");
}

function leaves(expression: Expression): string[] {
  return "license" in expression
    ? [expression.license]
    : [...leaves(expression.left), ...leaves(expression.right)];
}

function mend(words: string): string | null {
  // npm's own word for "no licence is given"; the correcting library reads it as the Unlicense, its opposite.
  if (/^unlicensed$/i.test(words) || /^see licen[cs]e in /i.test(words)) return null;
  const parts = words.replace(/^\((.*)\)$/s, "$1").split(/\s+(and|or)\s+/i);
  const mended = parts.map((part, i) => (i % 2 === 1 ? part.toUpperCase() : mendOne(part)));
  const expression = mended.includes(null) ? null : mended.join(" ");
  return expression !== null && parseExpression(expression) !== null ? expression : null;
}

function mendOne(words: string): string | null {
  // Upgrading would turn "GPL-3.0" into "or later", which the package never said.
  return words.trim() === "" ? null : correct(words, { upgrade: false });
}
