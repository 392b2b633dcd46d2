import { z } from "zod";
import { groupBy } from "./groups.js";
import { POLICY_CLASSES, policyClass } from "./licence-policy.js";
import { largestFirst } from "./order.js";
import type { PackageReport } from "./package-report.js";

/** How many packages fall into each policy class, and which licences there are. */
export const licenceSummary = z.object({
  classes: z.array(z.object({ policy: policyClass, packages: z.number() })),
  licences: z.array(z.object({ licence: z.string(), policy: policyClass, packages: z.number() })),
});
export type LicenceSummary = z.infer<typeof licenceSummary>;

/** Counts packages by policy class and by licence, the most frequent first. */
export function summariseLicences(packages: readonly PackageReport[]): LicenceSummary {
  // One expression may stand in two classes, since a disagreement is judged by its stricter side.
  const groups = groupBy(
    packages,
    ({ licence }) => `${licence.concluded ?? licence.stated ?? "none"}\n${licence.policy}`,
  );
  const licences = [...groups].map(([key, group]) => {
    const [licence = "", policy] = key.split("\n");
    return { licence, policy: policyClass.parse(policy), packages: group.length };
  });
  return {
    classes: POLICY_CLASSES.map((policy) => ({
      policy,
      packages: packages.filter(({ licence }) => licence.policy === policy).length,
    })),
    licences: licences.sort(
      largestFirst(
        (one) => one.packages,
        (one) => `${one.licence}\n${one.policy}`,
      ),
    ),
  };
}

/** The content of licences.json: the summary, what wants a person's eye, and the finding for every package. */
export function licenceReport(packages: readonly PackageReport[]) {
  const rows = packages.map(({ entry: { name, version, path }, installed, licence }) => ({
    name,
    version,
    path,
    installed,
    ...licence,
  }));
  return {
    ...summariseLicences(packages),
    disagreements: rows.filter(({ verdict }) => verdict === "disagree"),
    nothingFound: rows.filter(({ verdict, installed }) => verdict === "none" && installed),
    unknown: rows.filter(({ policy }) => policy === "unknown"),
    packages: rows,
  };
}
