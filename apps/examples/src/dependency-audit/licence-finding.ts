import { join } from "node:path";
import { z } from "zod";
import { readLicenceFiles } from "./licence-files.js";
import { type Policy, type PolicyClass, policyClass, stricter } from "./licence-policy.js";
import { licencesIn, readStatement, type Statement, textOf } from "./licence-statement.js";
import type { LicenceTemplate } from "./licence-templates.js";
import { matchLicenceText, type TextMatch } from "./licence-text.js";
import { isInside, type Manifest } from "./manifest.js";

/**
 * How a package's statement and its licence file go together.
 * - `agree`: the file has the text of what is stated
 * - `variant`: the file has a named variant of it, such as BSD-2-Clause-Views for BSD-2-Clause
 * - `stated only`: there is no licence file
 * - `unrecognised`: there is one, whose text is no known licence
 * - `text only`: nothing usable is stated, but the file is a known licence
 * - `disagree`: the file has the text of another licence than the one stated
 * - `lockfile`: the package is not on disk, and the lockfile repeats its statement
 * - `none`: nothing was found
 */
export const verdict = z.enum([
  "agree",
  "variant",
  "stated only",
  "unrecognised",
  "text only",
  "disagree",
  "lockfile",
  "none",
]);
export type Verdict = z.infer<typeof verdict>;

/** What the audit knows about one package's licence. */
export const licenceFinding = z.object({
  /** The package's own words. */
  stated: z.string().nullable(),
  /** The words as SPDX, null when they are none. */
  declared: z.string().nullable(),
  /** Whether `declared` is a reading of words that are not valid SPDX. */
  corrected: z.boolean(),
  /** The licences whose texts the licence files have, "A or B" where two share a text. */
  texts: z.array(z.string()),
  files: z.array(z.string()),
  verdict,
  /** The SPDX expression that the audit goes by. */
  concluded: z.string().nullable(),
  policy: policyClass,
});
export type LicenceFinding = z.infer<typeof licenceFinding>;

/** What recognising licences needs: loaded once a process, since it takes a moment and never changes. */
export interface LicenceKnowledge {
  readonly templates: readonly LicenceTemplate[];
  readonly policy: Policy;
}

/** Finds a package's licence in its package.json and its licence files, and compares the two. */
export async function findLicence(
  dir: string,
  path: string,
  manifest: Manifest,
  lockfileLicence: string | undefined,
  { templates, policy }: LicenceKnowledge,
): Promise<LicenceFinding> {
  const present = manifest.state !== "missing" && isInside(path);
  const statement = readStatement(manifest.licence ?? lockfileLicence ?? null);
  const files = present ? await readLicenceFiles(join(dir, path)) : [];
  const matches = files.map(({ text }) => matchLicenceText(text, templates));
  const outcome = present ? compare(statement, matches) : "lockfile";
  const texts = [...new Set(matches.flatMap(({ licences }) => licences.map((ids) => ids.join(" or "))))];
  const { concluded, strictest } = conclude(outcome, statement, matches, policy);
  return {
    stated: statement.stated,
    declared: statement.expression,
    corrected: statement.corrected,
    texts,
    files: files.map(({ file }) => file),
    verdict: outcome === "lockfile" && statement.stated === null ? "none" : outcome,
    concluded,
    policy: strictest,
  };
}

function compare(statement: Statement, matches: readonly TextMatch[]): Verdict {
  const recognised = matches.filter(({ licences }) => licences.length > 0);
  const declared = licencesIn(statement.expression);
  if (statement.expression === null) {
    if (recognised.length > 0) return "text only";
    return statement.stated === null ? "none" : matches.length > 0 ? "unrecognised" : "stated only";
  }
  if (recognised.length === 0) return matches.length > 0 ? "unrecognised" : "stated only";
  const fits = recognised.map((match) => fit(declared, match));
  if (fits.includes("disagree"))
    return isOnlyVague(statement, declared, recognised) ? "text only" : "disagree";
  return fits.includes("variant") ? "variant" : "agree";
}

/** A file that is one licence must be a declared one; a file with several must have a declared one among them. */
function fit(declared: readonly string[], { licences }: TextMatch): "agree" | "variant" | "disagree" {
  const asked = declared.map(textOf);
  const texts = licences.flat().map(textOf);
  if (texts.some((text) => asked.includes(text) || isCompanion(text, asked))) return "agree";
  if (texts.some((text) => asked.some((id) => text.startsWith(`${id}-`)))) return "variant";
  return "disagree";
}

/** The LGPL 3 is written as additions to the GPL 3, whose text therefore lies beside it. */
function isCompanion(text: string, asked: readonly string[]): boolean {
  return text === "GPL-3.0" && asked.includes("LGPL-3.0");
}

/** "BSD" or "GPL" names a family; when the file has a licence of that family, it only says which. */
function isOnlyVague(
  { corrected }: Statement,
  declared: readonly string[],
  matches: readonly TextMatch[],
): boolean {
  const family = (id: string): string => id.split("-")[0] ?? id;
  const families = declared.map(family);
  return (
    corrected && matches.every(({ licences }) => licences.flat().some((id) => families.includes(family(id))))
  );
}

interface Conclusion {
  readonly concluded: string | null;
  readonly strictest: PolicyClass;
}

function conclude(
  outcome: Verdict,
  statement: Statement,
  matches: readonly TextMatch[],
  policy: Policy,
): Conclusion {
  const fromTexts = matches
    .flatMap(({ licences }) => licences)
    .map((ids) => (ids.length > 1 ? `(${ids.join(" OR ")})` : (ids[0] ?? "")))
    .join(" AND ");
  const text = fromTexts === "" ? null : fromTexts;
  if (outcome === "text only") return { concluded: text, strictest: policy(text) };
  const declared = policy(statement.expression);
  // Nobody has settled which of the two holds, so the class is the one that is safe either way.
  const strictest = outcome === "disagree" ? stricter(declared, policy(text)) : declared;
  return { concluded: statement.expression, strictest };
}
