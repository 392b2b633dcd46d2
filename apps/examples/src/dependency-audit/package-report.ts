import { z } from "zod";
import { type LicenceFinding, licenceFinding } from "./licence-finding.js";
import type { Manifest } from "./manifest.js";
import { type PackageEntry, packageEntry } from "./package-list.js";
import { problem, problemsOf } from "./problems.js";
import { type Size, size } from "./sizes.js";

/** All that the audit knows about one package: what its small graph ends in, and what the reducers read. */
export const packageReport = z.object({
  entry: packageEntry,
  installed: z.boolean(),
  licence: licenceFinding,
  size,
  problems: z.array(problem),
});
export type PackageReport = z.infer<typeof packageReport>;

/** Puts the findings about one package together. */
export function describePackage(
  entry: PackageEntry,
  manifest: Manifest,
  licence: LicenceFinding,
  size: Size,
): PackageReport {
  const installed = manifest.state !== "missing";
  return { entry, installed, licence, size, problems: problemsOf(entry, manifest, licence) };
}
