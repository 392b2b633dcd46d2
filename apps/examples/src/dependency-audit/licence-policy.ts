import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { z } from "zod";
import { type Expression, parseExpression } from "./licence-statement.js";

/** What a licence asks of who uses the code, from least to most; `unknown` wants a person's eye. */
export const policyClass = z.enum(["permissive", "weak copyleft", "strong copyleft", "unknown"]);
export type PolicyClass = z.infer<typeof policyClass>;
export const POLICY_CLASSES: readonly PolicyClass[] = policyClass.options;

/** The class of an SPDX expression: the least demanding of alternatives, the most demanding of what holds together. */
export type Policy = (expression: string | null) => PolicyClass;

// Families by the way their ids begin; the first that fits counts. Blue Oak's list has no copyleft licences.
const COPYLEFT: readonly (readonly [RegExp, PolicyClass])[] = [
  [/^GPL-\d\.\d-with-/, "weak copyleft"],
  [/^(?:LGPL|LGPLLR|MPL|EPL|CDDL|CPL|IPL|APSL|MS-RL|CECILL-C|ErlPL|NPL|SISSL)(?:-|$)/, "weak copyleft"],
  [/^(?:CC-BY-SA|CDLA-Sharing|CERN-OHL-W|LPPL|ODbL|OFL|Sleepycat|wxWindows)(?:-|$)/, "weak copyleft"],
  [/^(?:GPL|AGPL|GFDL|EUPL|OSL|SSPL|QPL|CPAL|RPL)(?:-|$)/, "strong copyleft"],
  [/^(?:CECILL|CERN-OHL-S|NPOSL|Parity|SimPL|Watcom)(?:-|$)/, "strong copyleft"],
];

// Permissive, and younger than Blue Oak's list or outside its scope (data, fonts and documents rather than programs).
const ALSO_PERMISSIVE = [
  ...["CC-BY-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-PDDC"],
  ...["CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "ODC-By-1.0", "PDDL-1.0"],
  ...["HPND-sell-variant", "ISC-Veillard", "Unicode-3.0"],
];

const blueOakList = z.array(z.object({ licenses: z.array(z.object({ id: z.string() })) }));

/** Builds the policy from the Blue Oak Council's list of permissive licences and a table of copyleft families. */
export async function loadPolicy(): Promise<Policy> {
  const file = createRequire(import.meta.url).resolve("@blueoak/list");
  const ratings = blueOakList.parse(JSON.parse(await readFile(file, "utf8")));
  const permissive = new Set(ratings.flatMap(({ licenses }) => licenses.map(({ id }) => id)));
  for (const id of ALSO_PERMISSIVE) permissive.add(id);
  return (expression) => {
    const parsed = expression === null ? null : parseExpression(expression);
    return parsed === null ? "unknown" : classify(parsed, permissive);
  };
}

/** The more demanding of two classes. */
export function stricter(a: PolicyClass, b: PolicyClass): PolicyClass {
  return rank(a) >= rank(b) ? a : b;
}

function classify(expression: Expression, permissive: ReadonlySet<string>): PolicyClass {
  if ("license" in expression) return classOf(expression.license, expression.exception, permissive);
  const [left, right] = [classify(expression.left, permissive), classify(expression.right, permissive)];
  if (expression.conjunction === "and") return stricter(left, right);
  return rank(left) <= rank(right) ? left : right;
}

function classOf(id: string, exception: string | undefined, permissive: ReadonlySet<string>): PolicyClass {
  if (permissive.has(id)) return "permissive";
  const family = COPYLEFT.find(([pattern]) => pattern.test(id))?.[1] ?? "unknown";
  // The exceptions that npm packages use (Classpath, GCC, Bison, LLVM …) all let other code link to the work.
  return family === "strong copyleft" && exception !== undefined ? "weak copyleft" : family;
}

function rank(policy: PolicyClass): number {
  return POLICY_CLASSES.indexOf(policy);
}
