import { z } from "zod";
import { groupBy } from "./groups.js";
import { by, byCodeUnit, byVersion } from "./order.js";
import type { Project, WorkspaceEntry } from "./package-list.js";
import type { PackageReport } from "./package-report.js";

const asker = z.object({ name: z.string(), version: z.string(), range: z.string() });

/** A package that is present in several versions. */
export const duplicate = z.object({
  name: z.string(),
  versions: z.array(
    z.object({
      version: z.string(),
      paths: z.array(z.string()),
      bytes: z.number(),
      /** Who asks for this version, and for which range. */
      askedBy: z.array(asker),
    }),
  ),
  /** What all but the newest version take on disk. */
  extraBytes: z.number(),
});
export type Duplicate = z.infer<typeof duplicate>;
type Asker = z.infer<typeof asker>;

/** The packages that are present in several versions, by name, with who asks for each. */
export function findDuplicates(
  project: Project,
  workspaces: readonly WorkspaceEntry[],
  packages: readonly PackageReport[],
): Duplicate[] {
  const askers = askersByPath(project, workspaces, packages);
  const byName = groupBy(packages, ({ entry }) => entry.name);
  return [...byName]
    .filter(([, copies]) => new Set(copies.map(({ entry }) => entry.version)).size > 1)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([name, copies]) => {
      const versions = [...groupBy(copies, ({ entry }) => entry.version)]
        .sort(([a], [b]) => byVersion(a, b))
        .map(([version, same]) => ({
          version,
          paths: same.map(({ entry }) => entry.path).sort(byCodeUnit),
          bytes: same.reduce((sum, { size }) => sum + size.bytes, 0),
          askedBy: unique(same.flatMap(({ entry }) => askers.get(entry.path) ?? [])),
        }));
      return { name, versions, extraBytes: versions.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0) };
    });
}

function askersByPath(
  project: Project,
  workspaces: readonly WorkspaceEntry[],
  packages: readonly PackageReport[],
): Map<string, Asker[]> {
  const askers = new Map<string, Asker[]>();
  for (const { name, version, needs } of [project, ...workspaces, ...packages.map(({ entry }) => entry)]) {
    for (const { path, range } of needs) {
      const list = askers.get(path) ?? [];
      askers.set(path, list);
      list.push({ name, version, range });
    }
  }
  return askers;
}

function unique(askers: readonly Asker[]): Asker[] {
  const line = ({ name, version, range }: Asker): string => `${name}\n${version}\n${range}`;
  return [...new Map(askers.map((one) => [line(one), one])).values()].sort(by(line));
}
