import { z } from "zod";
import { largestFirst } from "./order.js";
import type { PackageReport } from "./package-report.js";

const heavy = z.object({
  name: z.string(),
  version: z.string(),
  path: z.string(),
  files: z.number(),
  bytes: z.number(),
});
export type Heavy = z.infer<typeof heavy>;

/** What the packages take on disk, and which take most. */
export const sizeReport = z.object({
  packages: z.number(),
  files: z.number(),
  bytes: z.number(),
  heaviestByBytes: z.array(heavy),
  heaviestByFiles: z.array(heavy),
});
export type SizeReport = z.infer<typeof sizeReport>;

const LISTED = 50;

/** Sums the sizes up, and lists the fifty heaviest packages by bytes and by files. */
export function reportSizes(packages: readonly PackageReport[]): SizeReport {
  const installed = packages.filter(({ installed }) => installed);
  const all = installed.map(({ entry: { name, version, path }, size }) => ({ name, version, path, ...size }));
  return {
    packages: all.length,
    files: all.reduce((sum, { files }) => sum + files, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    heaviestByBytes: all
      .toSorted(
        largestFirst(
          ({ bytes }) => bytes,
          ({ path }) => path,
        ),
      )
      .slice(0, LISTED),
    heaviestByFiles: all
      .toSorted(
        largestFirst(
          ({ files }) => files,
          ({ path }) => path,
        ),
      )
      .slice(0, LISTED),
  };
}
